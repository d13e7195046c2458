//! The sandbox port.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bottega_tool::{
    CageReport, CommandOutcome, CommandSink, CommandSpec, Ending, Sandbox, SandboxError, StreamName,
};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::cage::{Containment, Cover, Plan, Stage, c_path};
use crate::excerpt::Excerpt;
use crate::filter::Sockets;
use crate::options::{Namespaces, Options};
use crate::scratch::Scratch;
use crate::{environment, filter, grants, keeper, kernel, report, ruleset};

/// How long the last output of killed processes is waited for.
const DRAIN: Duration = Duration::from_secs(2);

/// How long the keeper has to kill everything before the command counts as lost.
const KILL: Duration = Duration::from_secs(10);

/// What in a folder that may be written is protected from the command: with these it could make the user's own
/// git, or Bottega, run something outside the cage later.
const PROTECTED: &[(&str, Cover)] = &[
    (".git", Cover::Pinned),
    (".git/config", Cover::ReadOnly),
    (".git/hooks", Cover::ReadOnly),
    (".bottega", Cover::ReadOnly),
];

/// Where other programs of the user listen. `/run` is hidden whole from commands without the network.
const SOCKETS: &[&str] = &[
    "/run/user",
    "/run/dbus",
    "/run/docker",
    "/run/docker.sock",
    "/run/containerd",
    "/run/podman",
    "/run/snapd.socket",
    "/run/systemd/private",
    "/run/libvirt",
    "/run/screen",
    "/tmp/.X11-unix",
    "/tmp/.ICE-unix",
];

/// Runs commands in a cage that Linux itself holds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LinuxSandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    /// Found out at the first command or report.
    containment: OnceLock<(Containment, Option<String>)>,
}

/// A command that is ready to be started.
struct Ready {
    plan: Plan,
    environment: BTreeMap<String, String>,
    scratch: Option<Scratch>,
}

/// A command that runs.
struct Running {
    child: Child,
    line: UnixStream,
    scratch: Option<Scratch>,
}

impl LinuxSandbox {
    /// A sandbox with these options. Touches nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { inner: Arc::new(Inner { options, containment: OnceLock::new() }) }
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

    fn start(&self, spec: &CommandSpec) -> Result<Running, SandboxError> {
        let program = spec.argv.first().cloned().unwrap_or_default();
        let failed = |source: io::Error| SandboxError::Start { program: program.clone(), source };
        if program.is_empty() {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the command is empty",
            )));
        }
        if !spec.directory.is_dir() {
            let why = format!("there is no folder `{}` to run it in", spec.directory.display());
            return Err(failed(io::Error::new(io::ErrorKind::NotFound, why)));
        }
        if let Some(missing) = report::missing()
            && (spec.caged || !spec.network)
        {
            return Err(SandboxError::Unavailable { missing });
        }
        let (mut line, theirs) = UnixStream::pair()?;
        line.set_nonblocking(true)?;
        let Ready { plan, environment, scratch } = self.plan(spec, theirs.into())?;
        let mut command = Command::new(&program);
        command
            .args(&spec.argv[1..])
            .current_dir(&spec.directory)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        before_exec(&mut command, plan);
        match command.spawn() {
            Ok(child) => Ok(Running { child, line, scratch }),
            Err(source) => Err(match told(&mut line) {
                Some((keeper::FAILED, number)) => SandboxError::Unavailable {
                    missing: format!("{} ({source})", stage_name(number)),
                },
                Some(_) | None => failed(source),
            }),
        }
    }

    /// Everything that is decided before the fork.
    fn plan(&self, spec: &CommandSpec, line: OwnedFd) -> Result<Ready, SandboxError> {
        let options = &self.options;
        let unavailable = |missing: String| SandboxError::Unavailable { missing };
        let mut environment = environment::clean(&environment::Wanted {
            user: &options.environment,
            pass: &options.pass,
            added: &spec.environment,
            network: spec.network,
        });
        environment.insert("PWD".to_owned(), spec.directory.to_string_lossy().into_owned());
        let mut plan = Plan {
            containment: Containment::Subreaper,
            maps: id_maps(),
            line,
            grace: i64::try_from(options.grace.as_millis()).unwrap_or(i64::MAX / 4),
            directory: c_path(&spec.directory),
            covers: Vec::new(),
            ruleset: None,
            late: Vec::new(),
            filters: Vec::new(),
            limits: Vec::new(),
            alone: spec.caged && !spec.network,
            caged: spec.caged,
        };
        if !spec.caged {
            if let Some(home) = &options.home {
                environment.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
            }
            if !spec.network {
                plan.filters = filter::no_sockets().map_err(unavailable)?;
            }
            return Ok(Ready { plan, environment, scratch: None });
        }
        let workspace = spec.writable.first().unwrap_or(&spec.directory);
        let scratch = Scratch::new(&options.scratch, workspace, options.home.as_deref())?;
        let private = [scratch.temporary.path().to_owned(), scratch.home.clone()];
        environment::point(
            &mut environment,
            options.home.as_deref(),
            &scratch.home,
            scratch.temporary.path(),
            &spec.writable,
            spec.network,
        );
        let granted = grants::grants(&grants::Wanted {
            home: options.home.as_deref(),
            environment: &environment,
            readable: &options.readable,
            unreadable: &options.unreadable,
            writable: &spec.writable,
            private: &private,
            root: kernel::is_root(),
        });
        plan.containment = self.containment().0;
        let sockets = match plan.containment {
            _ if spec.network => Sockets::Network,
            Containment::Namespaces { loopback: true, .. } => Sockets::Loopback,
            Containment::Namespaces { loopback: false, .. } => Sockets::Local,
            Containment::Subreaper => Sockets::Unconnected,
        };
        let internet = matches!(sockets, Sockets::Loopback | Sockets::Network);
        let prepared = ruleset::build(&granted, internet).map_err(unavailable)?;
        plan.late.push((c"/proc".to_owned(), prepared.read));
        if plan.containment != Containment::Subreaper {
            // Only where it is a private one: elsewhere it holds the memory of other programs.
            plan.late.push((c"/dev/shm".to_owned(), prepared.write));
            plan.covers = covers(spec, &private);
        }
        plan.ruleset = Some(prepared.ruleset);
        plan.filters = filter::cage(sockets).map_err(unavailable)?;
        plan.limits = limits(options);
        Ok(Ready { plan, environment, scratch: Some(scratch) })
    }
}

fn limits(options: &Options) -> Vec<(libc::__rlimit_resource_t, u64)> {
    [
        // A memory image of a crashed program would hold what the program held.
        (libc::RLIMIT_CORE, Some(0)),
        (libc::RLIMIT_NPROC, options.processes),
        (libc::RLIMIT_FSIZE, options.file_size),
        (libc::RLIMIT_AS, options.memory),
    ]
    .into_iter()
    .filter_map(|(resource, most)| most.map(|most| (resource, most)))
    .collect()
}

/// What stands over protected files and over the sockets of other programs.
fn covers(spec: &CommandSpec, private: &[PathBuf]) -> Vec<(std::ffi::CString, Cover)> {
    let mut covers = Vec::new();
    for folder in &spec.writable {
        for (name, cover) in PROTECTED {
            let path = folder.join(name);
            // A link is not followed: what it leads to is protected where it lies, or is outside anyway.
            if path.symlink_metadata().is_ok_and(|about| !about.is_symlink()) {
                covers.push((c_path(&path), *cover));
            }
        }
    }
    let used = |hidden: &Path| {
        spec.writable
            .iter()
            .chain(private)
            .chain([&spec.directory])
            .any(|path| path.starts_with(hidden))
    };
    let whole = ["/run"];
    let hidden = if spec.network || used(Path::new("/run")) { SOCKETS } else { &whole[..] };
    for path in hidden.iter().chain(&["/tmp/.X11-unix", "/tmp/.ICE-unix"]).map(Path::new) {
        match path.symlink_metadata() {
            Ok(about) if about.is_dir() && !used(path) => {
                covers.push((c_path(path), Cover::EmptyFolder));
            }
            Ok(about) if !about.is_dir() && !about.is_symlink() => {
                covers.push((c_path(path), Cover::Nothing));
            }
            Ok(_) | Err(_) => {}
        }
    }
    covers
}

/// Maps of a user namespace in which everybody is who they are.
fn id_maps() -> (Vec<u8>, Vec<u8>) {
    let (user, group) = kernel::identity();
    (format!("{user} {user} 1").into_bytes(), format!("{group} {group} 1").into_bytes())
}

#[expect(unsafe_code, reason = "the one place where code is put between fork and exec")]
fn before_exec(command: &mut Command, plan: Plan) {
    // SAFETY: `carry_out` makes system calls on what the plan holds; it neither allocates nor locks.
    unsafe { command.pre_exec(move || plan.carry_out()) };
}

/// Runs nothing in the namespaces, to see whether the machine allows them.
#[expect(
    unsafe_code,
    reason = "the same code between fork and exec, for a program that does nothing"
)]
fn try_containment(containment: Containment) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let (mut line, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
    line.set_nonblocking(true).map_err(|error| error.to_string())?;
    let plan = Plan {
        containment,
        maps: id_maps(),
        line: theirs.into(),
        grace: 0,
        directory: c"/".to_owned(),
        covers: Vec::new(),
        ruleset: None,
        late: Vec::new(),
        filters: Vec::new(),
        limits: Vec::new(),
        alone: true,
        caged: true,
    };
    let mut command = std::process::Command::new("/bin/sh");
    command
        .args(["-c", ":"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: as in `before_exec`.
    unsafe { command.pre_exec(move || plan.carry_out()) };
    match command.spawn() {
        Ok(mut child) => child.wait().map(|_| ()).map_err(|error| error.to_string()),
        Err(error) => Err(match told(&mut line) {
            Some((_, number)) => format!("{}: {error}", stage_name(number)),
            None => error.to_string(),
        }),
    }
}

/// What the keeper said, if it said something.
fn told(line: &mut UnixStream) -> Option<(u8, i32)> {
    let mut message = [0; 5];
    line.read_exact(&mut message).ok()?;
    let [kind, number @ ..] = message;
    Some((kind, i32::from_le_bytes(number)))
}

fn stage_name(number: i32) -> &'static str {
    Stage::ALL.into_iter().find(|stage| *stage as i32 == number).map_or("the sandbox", Stage::name)
}

#[async_trait]
impl Sandbox for LinuxSandbox {
    fn report(&self) -> CageReport {
        let (containment, refused) = self.inner.containment();
        report::report(*containment, refused.as_deref())
    }

    async fn run(
        &self,
        command: &CommandSpec,
        sink: &dyn CommandSink,
    ) -> Result<CommandOutcome, SandboxError> {
        let started = Instant::now();
        let (inner, spec) = (Arc::clone(&self.inner), command.clone());
        // Building the cage and the fork wait for the disk and the kernel for some milliseconds. When the
        // caller goes away meanwhile, what was started is dropped with the answer that nobody takes.
        let running = tokio::task::spawn_blocking(move || inner.start(&spec))
            .await
            .map_err(|error| SandboxError::Lost(io::Error::other(error)))??;
        let Running { child, line, scratch } = running;
        let result = follow(child, line, command, sink, started).await;
        if let Some(scratch) = scratch {
            // Large folders take a while to remove; what fails is swept by a later command.
            let _ = tokio::task::spawn_blocking(move || scratch.temporary.close()).await;
        }
        result
    }
}

/// Follows a command to its end. Dropping this drops the line, and the keeper kills everything.
async fn follow(
    mut child: Child,
    mut line: UnixStream,
    spec: &CommandSpec,
    sink: &dyn CommandSink,
    started: Instant,
) -> Result<CommandOutcome, SandboxError> {
    let lost = || SandboxError::Lost(io::Error::other("its output was not connected"));
    let (mut out, mut err) =
        (child.stdout.take().ok_or_else(lost)?, child.stderr.take().ok_or_else(lost)?);
    let (mut out_open, mut err_open, mut ended, mut timed_out) = (true, true, false, false);

    let mut excerpt = Excerpt::new(spec.keep_output);
    let (mut out_buffer, mut err_buffer) = (vec![0; 32 << 10], vec![0; 32 << 10]);
    let timer = tokio::time::sleep(spec.timeout);
    tokio::pin!(timer);
    while out_open || err_open || !ended {
        tokio::select! {
            // Of what both streams hold, standard output was most often written first.
            biased;
            () = &mut timer => {
                if ended {
                    break;
                }
                if timed_out {
                    return Err(SandboxError::Lost(io::Error::other("it could not be killed")));
                }
                timed_out = true;
                // A status that came in time is still read.
                let _ = line.shutdown(std::net::Shutdown::Write);
                timer.as_mut().reset(tokio::time::Instant::now() + KILL);
            }
            read = out.read(&mut out_buffer), if out_open => {
                let read = read.unwrap_or_default();
                out_open = read > 0;
                if read > 0 {
                    sink.output(StreamName::Out, &out_buffer[..read]);
                    excerpt.push(&out_buffer[..read]);
                }
            }
            read = err.read(&mut err_buffer), if err_open => {
                let read = read.unwrap_or_default();
                err_open = read > 0;
                if read > 0 {
                    sink.output(StreamName::Err, &err_buffer[..read]);
                    excerpt.push(&err_buffer[..read]);
                }
            }
            waited = child.wait(), if !ended => {
                waited?;
                ended = true;
                timer.as_mut().reset(tokio::time::Instant::now() + DRAIN);
            }
        }
    }
    let ending = match told(&mut line) {
        Some((keeper::ENDED, status)) if libc::WIFEXITED(status) => {
            Ending::Exited(libc::WEXITSTATUS(status))
        }
        Some((keeper::ENDED, status)) => Ending::Signalled(libc::WTERMSIG(status)),
        None if timed_out => Ending::TimedOut,
        Some(_) | None => {
            return Err(SandboxError::Lost(io::Error::other("its keeper was killed")));
        }
    };
    let (output, omitted) = excerpt.finish();
    Ok(CommandOutcome { ending, output, omitted, elapsed: started.elapsed() })
}
