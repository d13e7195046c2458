//! The port to commands in a cage.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bottega_policy::egress::HostRule;

/// Paths that rules keep from a caged command, beside what no command may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// Files and folders that it may not read.
    pub unreadable: Vec<PathBuf>,
    /// Files and folders that it may not change or replace. One that is not there can't be made, where its folder is.
    pub unwritable: Vec<PathBuf>,
}

impl Guarded {
    /// Whether nothing is kept from it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unreadable.is_empty() && self.unwritable.is_empty()
    }
}

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandSpec {
    /// Program and arguments; no shell is added.
    pub argv: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Folders it may write to, beside a private temporary folder.
    pub writable: Vec<PathBuf>,
    /// What rules keep from it, where it is caged.
    pub guarded: Guarded,
    /// Variables on top of the sandbox's clean environment.
    pub environment: BTreeMap<String, String>,
    /// Whether it may use the network, all of it.
    pub network: bool,
    /// Hosts that it may reach although `network` is not granted: through the egress proxy, and no other way.
    pub hosts: Vec<HostRule>,
    /// Whether files are caged at all; `false` only where the policy said so (`full`).
    pub caged: bool,
    /// When it is killed with all it started.
    pub timeout: Duration,
    /// Bytes of output to keep of each end (head and tail); the middle is dropped and counted.
    pub keep_output: usize,
}

/// Which stream a piece of output belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamName {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Takes live output. Must not block.
pub trait CommandSink: Send + Sync {
    /// More output, as it came; may cut a character in two.
    fn output(&self, stream: StreamName, bytes: &[u8]);
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returned this status.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// It ran past its time and was killed with all it started.
    TimedOut,
}

/// What a command gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutcome {
    /// How it ended.
    pub ending: Ending,
    /// Standard output and standard error in order of arrival: the head and the tail, with a line between
    /// that says how much was left out.
    pub output: String,
    /// Bytes that were left out.
    pub omitted: u64,
    /// How long it ran.
    pub elapsed: Duration,
}

/// Why a command could not be run as asked.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This machine can't hold the command in the cage that was asked for.
    #[error(
        "the sandbox can't be built here: {missing}. Run with `--access-mode full` to accept commands without it."
    )]
    Unavailable {
        /// What is missing.
        missing: String,
    },
    /// The program can't be started.
    #[error("could not start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The machine failed while the command ran.
    #[error("lost the command while it ran: {0}")]
    Lost(#[from] std::io::Error),
}

/// What the cage on this machine can do, for `bottega doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CageReport {
    /// One line per feature: its name, whether it is there, what is missing.
    pub features: Vec<(String, Result<String, String>)>,
    /// Whether caged commands can run.
    pub holds: bool,
}

/// Runs commands in a cage.
///
/// Every implementation promises:
/// * cage: with `caged`, the command reads no secrets of the user, writes only where allowed, gains no
///   privileges, and has no network unless granted; where the machine can't do that it refuses;
/// * guarded: a caged command reads and changes nothing that rules keep from it, or it is refused;
/// * hosts: what is granted by name is reached through a proxy that refuses everything else, private and local
///   addresses above all; the output says what was refused;
/// * clean environment: only listed variables reach the command; dangerous ones never do;
/// * ending: the outcome comes when the command has exited and its pipes are closed, or at the timeout;
/// * nothing outlives it: on return, on timeout and on drop, everything it started is killed;
/// * standard input is empty, never inherited.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// What the cage on this machine can do.
    fn report(&self) -> CageReport;

    /// The shell that runs command lines here: bash where there is one, else the plain one.
    fn shell(&self) -> &'static str {
        "/bin/sh"
    }

    /// Waits until commands that were dropped have ended with all that they started, for some seconds at most.
    async fn settled(&self) {}

    /// Runs one command.
    async fn run(
        &self,
        command: &CommandSpec,
        sink: &dyn CommandSink,
    ) -> Result<CommandOutcome, SandboxError>;
}
