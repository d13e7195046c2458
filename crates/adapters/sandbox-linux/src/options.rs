//! What can be set of the sandbox.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bottega_tool::Egress;
use tokio_util::task::TaskTracker;

use crate::kernel;

/// Whether commands get namespaces of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespaces {
    /// Wherever the machine allows it.
    #[default]
    WhereAllowed,
    /// Never; the rest of the cage holds.
    Never,
}

/// Whether Landlock holds commands to their files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Landlock {
    /// Wherever the kernel has it.
    #[default]
    WhereAllowed,
    /// Never: bubblewrap does, or nobody.
    Never,
}

/// What can be set of the sandbox.
#[derive(Clone)]
pub struct Options {
    /// The user's environment, as it was when Bottega started. Only well-known harmless names of it reach
    /// a command.
    pub environment: BTreeMap<String, String>,
    /// More names of variables that reach a command. Dangerous ones never do, even when listed here.
    pub pass: Vec<String>,
    /// The user's home. Of it only toolchains are readable.
    pub home: Option<PathBuf>,
    /// More files and folders that caged commands may read and execute.
    pub readable: Vec<PathBuf>,
    /// Files and folders that caged commands may not touch, even where a folder around them is granted:
    /// Bottega's own settings and data.
    pub unreadable: Vec<PathBuf>,
    /// Where the private folders of commands are made: a temporary one each, and one home per workspace
    /// that stays, for caches.
    pub scratch: PathBuf,
    /// Whether namespaces are used.
    pub namespaces: Namespaces,
    /// Whether Landlock is used.
    pub landlock: Landlock,
    /// The program that builds the cage where Landlock does not; looked for in the usual places when absent.
    pub bubblewrap: Option<PathBuf>,
    /// The way to hosts that a command was granted. Without one such commands are refused.
    pub egress: Option<Arc<dyn Egress>>,
    /// Has a token of every command until it is killed or ended and what was made for it is taken away. Whoever is about
    /// to leave closes it and waits.
    pub commands: TaskTracker,
    /// How long what a command left behind may go on after its main process ended, while it holds the output.
    pub grace: Duration,
    /// The most processes while a command runs: `RLIMIT_NPROC`, which counts all of the user's where the cage
    /// has no user namespace and does not bind root; and `pid_max` of the command's PID namespace (Linux 6.14),
    /// which binds everybody and is never below 400.
    pub processes: Option<u64>,
    /// The largest file a command may write, in bytes (`RLIMIT_FSIZE`).
    pub file_size: Option<u64>,
    /// The most memory that each process may write to, in bytes (`RLIMIT_DATA`). What is only reserved does not
    /// count, but for programs built with an address sanitizer, which reserve it writable: they need `None`.
    pub memory: Option<u64>,
}

impl Options {
    /// The usual limits, private folders below `scratch`, an empty environment.
    #[must_use]
    pub fn new(scratch: PathBuf) -> Self {
        Self {
            environment: BTreeMap::new(),
            pass: Vec::new(),
            home: None,
            readable: Vec::new(),
            unreadable: Vec::new(),
            scratch,
            namespaces: Namespaces::default(),
            landlock: Landlock::default(),
            bubblewrap: None,
            egress: None,
            commands: TaskTracker::new(),
            grace: Duration::from_millis(500),
            processes: Some(16_384),
            file_size: Some(16 << 30),
            // One process that wants more would take the machine down with it.
            memory: kernel::memory().map(|all| all / 4 * 3),
        }
    }
}

/// The environment holds the user's secrets, so its values are never shown.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("environment", &self.environment.len())
            .field("home", &self.home)
            .field("scratch", &self.scratch)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
