//! The sandbox port.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bottega_tool::{CageReport, CommandOutcome, CommandSink, CommandSpec, Sandbox, SandboxError};
use tokio::net::unix::pipe::Receiver;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::cage::{Containment, Ends, Launch, Network, Plan, Program, Stage};
use crate::follow::{Running, follow};
use crate::line::{self, Line, Word};
use crate::means::Means;
use crate::network::{self, Networks};
use crate::options::{Namespaces, Options};
use crate::placeholder::Placeholder;
use crate::plan::{Planning, Ready};
use crate::process::{self, Orphans, Process};
use crate::scratch::Scratch;
use crate::{kernel, report};

/// How long commands that were dropped are waited for, beside their grace.
const SETTLING: Duration = Duration::from_secs(3);
/// Between two looks at whether they have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Runs commands in a cage that Linux itself holds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LinuxSandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    /// Found out at the first command or report, like the next.
    containment: OnceLock<(Containment, Option<String>)>,
    means: OnceLock<Result<Means, String>>,
    orphans: Arc<Orphans>,
    networks: Networks,
    /// Whether it was said what this machine's cages lack.
    told: AtomicBool,
}

/// Said once, with the first command that may write: `doctor` says the rest, and nobody may have asked it.
const UNGUARDED: &str = "no private mounts on this machine: `.git` and `.bottega` of the workspace are not held from \
                         commands (see `bottega doctor`)";

/// A command that was started: its keeper, Bottega's end of the line, its output and error.
struct Started {
    keeper: OwnedFd,
    line: OwnedFd,
    out: OwnedFd,
    err: OwnedFd,
    door: Option<TcpListener>,
    scratch: Option<Scratch>,
    placeholders: Vec<Placeholder>,
    /// Its own network, where another command may have it afterwards.
    network: Option<Arc<OwnedFd>>,
    /// Goes last: by then nothing is left of it.
    token: TaskTrackerToken,
}

impl LinuxSandbox {
    /// A sandbox with these options. Touches nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (containment, means) = (OnceLock::new(), OnceLock::new());
        let (orphans, networks, told) =
            (Arc::default(), Networks::default(), AtomicBool::default());
        Self { inner: Arc::new(Inner { options, containment, means, orphans, networks, told }) }
    }
}

impl Inner {
    /// How processes are kept together on this machine, and why not better.
    fn containment(&self) -> &(Containment, Option<String>) {
        self.containment.get_or_init(|| {
            if self.options.namespaces == Namespaces::Never {
                return (Containment::Subreaper, Some("switched off".to_owned()));
            }
            let kind = |user, loopback| Containment::Namespaces { user, loopback };
            let candidates =
                [kind(false, true), kind(false, false), kind(true, true), kind(true, false)];
            // Only root can do without a user namespace.
            let candidates = if kernel::is_root() { &candidates[..] } else { &candidates[2..] };
            let mut refused = None;
            for candidate in candidates {
                match try_containment(*candidate) {
                    Ok(()) => return (*candidate, None),
                    Err(why) => refused = Some(why),
                }
            }
            (Containment::Subreaper, refused)
        })
    }

    /// What holds commands to their files on this machine, or what is missing for it.
    fn means(&self) -> &Result<Means, String> {
        self.means.get_or_init(|| Means::of(&self.options))
    }

    /// What is to be said with a command: that its cage holds less than one may think.
    fn lack(&self, spec: &CommandSpec) -> Option<&'static str> {
        // Whoever switched namespaces off knows.
        let open = spec.caged
            && !spec.writable.is_empty()
            && self.options.namespaces == Namespaces::WhereAllowed
            && self.containment().0 == Containment::Subreaper
            && matches!(self.means(), Ok(Means::Landlock));
        (open && !self.told.swap(true, Ordering::Relaxed)).then_some(UNGUARDED)
    }

    fn start(&self, spec: &CommandSpec, token: TaskTrackerToken) -> Result<Started, SandboxError> {
        self.orphans.sweep();
        let program = spec.argv.first().cloned().unwrap_or_default();
        let failed = |kind, why: String| SandboxError::Start {
            program: program.clone(),
            source: io::Error::new(kind, why),
        };
        if program.is_empty() {
            return Err(failed(io::ErrorKind::InvalidInput, "the command is empty".to_owned()));
        }
        if !spec.directory.is_dir() {
            let why = format!("there is no folder `{}` to run it in", spec.directory.display());
            return Err(failed(io::ErrorKind::NotFound, why));
        }
        let means = match self.means() {
            Ok(means) => means,
            // What is not caged needs none.
            Err(_) if !spec.caged && spec.network => &Means::Landlock,
            Err(missing) => return Err(SandboxError::Unavailable { missing: missing.clone() }),
        };
        let containment = match means {
            Means::Landlock if spec.caged => self.containment().0,
            Means::Landlock | Means::Bubblewrap(_) => Containment::Subreaper,
        };
        let planning = Planning { options: &self.options, spec, means, containment };
        let Ready { mut plan, door, scratch, placeholders } = planning.ready()?;
        let lends = plan.network == Network::Alone && plan.containment.lends_network();
        let lent = lends.then(|| self.networks.lend()).flatten();
        plan.lent.clone_from(&lent);
        let (out, out_end) = io::pipe()?;
        let (err, err_end) = io::pipe()?;
        let nothing = std::fs::File::open("/dev/null")?;
        let streams = [nothing.into(), out_end.into(), err_end.into()];
        let (number, keeper, line) = launch(plan, streams)?;
        let network = if lends { lent.or_else(|| network::of(number)) } else { None };
        let (out, err) = (out.into(), err.into());
        Ok(Started { keeper, line, out, err, door, scratch, placeholders, network, token })
    }
}

/// Starts a plan: the keeper, and Bottega's end of the line to it.
fn launch(plan: Plan, streams: [OwnedFd; 3]) -> io::Result<(libc::pid_t, OwnedFd, OwnedFd)> {
    let (ours, theirs) = line::pair()?;
    let (number, keeper) = Launch::new(plan, Ends { line: theirs, streams }).start()?;
    Ok((number, keeper, ours))
}

/// Runs nothing in the namespaces, to see whether the machine allows them.
fn try_containment(containment: Containment) -> Result<(), String> {
    let error = |error: io::Error| error.to_string();
    let plan = Plan {
        network: Network::Alone,
        caged: true,
        program: Program {
            paths: vec![c"/bin/sh".to_owned()],
            words: [c"sh", c"-c", c":"].map(ToOwned::to_owned).into(),
            variables: Vec::new(),
        },
        ..Plan::bare(containment)
    };
    let nothing = || {
        let nothing = std::fs::File::options().read(true).write(true).open("/dev/null");
        nothing.map(OwnedFd::from).map_err(error)
    };
    let (_, keeper, line) = launch(plan, [nothing()?, nothing()?, nothing()?]).map_err(error)?;
    let mut result = Err("the keeper said nothing".to_owned());
    while let Some(word) = line::hear_now(line.as_fd()).map_err(error)? {
        match word {
            Word::Ended(_) => result = Ok(()),
            Word::Empty(_) => {}
            Word::Failed(stage, number) => {
                let why = io::Error::from_raw_os_error(number);
                result = Err(format!("{}: {why}", Stage::named(stage)));
            }
            // That there is no such shell says nothing about namespaces.
            Word::NotStarted(_) | Word::Door(_) => result = Ok(()),
        }
    }
    // The line is closed: it ends now.
    while !process::reap(&keeper) {
        std::thread::yield_now();
    }
    result
}

#[async_trait]
impl Sandbox for LinuxSandbox {
    fn report(&self) -> CageReport {
        let (containment, refused) = self.inner.containment();
        let means = self.inner.means();
        report::report(&self.inner.options, *containment, refused.as_deref(), means)
    }

    fn shell(&self) -> &'static str {
        static BASH: LazyLock<bool> = LazyLock::new(|| Path::new("/bin/bash").is_file());
        if *BASH { "/bin/bash" } else { "/bin/sh" }
    }

    async fn settled(&self) {
        let all_ended = async {
            while !self.inner.orphans.sweep() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        // Keepers have their own limit for what can't be killed; nobody waits for that.
        let _ = tokio::time::timeout(self.inner.options.grace + SETTLING, all_ended).await;
    }

    async fn run(
        &self,
        command: &CommandSpec,
        sink: &dyn CommandSink,
    ) -> Result<CommandOutcome, SandboxError> {
        let started = Instant::now();
        let token = self.inner.options.commands.token();
        let (inner, spec) = (Arc::clone(&self.inner), command.clone());
        // Building the cage and the fork wait for the disk and the kernel for some milliseconds. When the
        // caller goes away meanwhile, what was started is dropped with the answer that nobody takes.
        let begun = tokio::task::spawn_blocking(move || inner.start(&spec, token))
            .await
            .map_err(|error| SandboxError::Lost(io::Error::other(error)))??;
        // What is named first is dropped last.
        let Started { token: _token, scratch, placeholders, keeper, line, out, err, door, network } =
            begun;
        let running = Running {
            line: Line::new(line)?,
            keeper: Process::new(keeper, Arc::clone(&self.inner.orphans))?,
            out: Receiver::from_owned_fd(out)?,
            err: Receiver::from_owned_fd(err)?,
            door,
            lack: self.inner.lack(command),
        };
        let egress = self.inner.options.egress.as_deref();
        let empty = || {
            if let Some(network) = network {
                self.inner.networks.keep(network);
            }
        };
        let result = follow(running, command, sink, egress, started, empty).await;
        drop(placeholders);
        if let Some(scratch) = scratch
            && std::fs::remove_dir(scratch.temporary.path()).is_err()
        {
            // Large folders take a while to remove; what fails is swept by a later command.
            let removed = tokio::task::spawn_blocking(move || scratch.temporary.close());
            let _ = removed.await;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bottega_tool::Guarded;

    use super::*;

    #[test]
    fn what_a_cage_lacks_is_said_once_and_with_what_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = LinuxSandbox::new(Options::new(folder.path().join("cage")));
        let inner = &sandbox.inner;
        inner.containment.set((Containment::Subreaper, Some("not here".to_owned()))).unwrap();
        inner.means.set(Ok(Means::Landlock)).unwrap();
        let looks = CommandSpec {
            argv: vec!["true".to_owned()],
            directory: folder.path().to_owned(),
            writable: Vec::new(),
            guarded: Guarded::default(),
            environment: BTreeMap::new(),
            network: false,
            hosts: Vec::new(),
            caged: true,
            timeout: Duration::from_secs(1),
            keep_output: 0,
        };
        let writes = CommandSpec { writable: vec![folder.path().to_owned()], ..looks.clone() };
        let free = CommandSpec { caged: false, ..writes.clone() };
        assert_eq!((inner.lack(&looks), inner.lack(&free)), (None, None));
        assert_eq!((inner.lack(&writes), inner.lack(&writes)), (Some(UNGUARDED), None));
    }
}
