//! The sandbox port.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_trait::async_trait;
use bottega_tool::{CageReport, CommandOutcome, CommandSink, CommandSpec, Sandbox, SandboxError};
use tokio::net::unix::pipe::Receiver;

use crate::cage::{Containment, Ends, Launch, Network, Plan, Program, Stage, c_path};
use crate::filter::{Cage, Sockets};
use crate::follow::{Running, follow};
use crate::line::{Line, Word};
use crate::mounts::View;
use crate::options::{Namespaces, Options};
use crate::process::{Orphans, Process};
use crate::ruleset::Connections;
use crate::scratch::Scratch;
use crate::{environment, filter, grants, kernel, line, network, process, report, ruleset, view};

/// Where programs are looked for without a `PATH`.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The fewest processes that the PID namespace of a command can be held to: the kernel keeps numbers for itself.
const FEWEST_PIDS: u64 = 400;

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
    orphans: Arc<Orphans>,
}

/// A command that is ready to be started.
struct Ready {
    plan: Plan,
    door: Option<TcpListener>,
    scratch: Option<Scratch>,
}

/// A command that was started: its keeper, Bottega's end of the line, its output and error.
struct Started {
    keeper: OwnedFd,
    line: OwnedFd,
    out: OwnedFd,
    err: OwnedFd,
    door: Option<TcpListener>,
    scratch: Option<Scratch>,
}

impl LinuxSandbox {
    /// A sandbox with these options. Touches nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (containment, orphans) = (OnceLock::new(), Arc::default());
        Self { inner: Arc::new(Inner { options, containment, orphans }) }
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

    fn start(&self, spec: &CommandSpec) -> Result<Started, SandboxError> {
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
        if let Some(missing) = report::missing()
            && (spec.caged || !spec.network)
        {
            return Err(SandboxError::Unavailable { missing });
        }
        let Ready { plan, door, scratch } = self.plan(spec)?;
        let (out, out_end) = io::pipe()?;
        let (err, err_end) = io::pipe()?;
        let nothing = std::fs::File::open("/dev/null")?;
        let streams = [nothing.into(), out_end.into(), err_end.into()];
        let (keeper, line) = launch(plan, streams)?;
        Ok(Started { keeper, line, out: out.into(), err: err.into(), door, scratch })
    }

    /// Everything that is decided before the fork.
    fn plan(&self, spec: &CommandSpec) -> Result<Ready, SandboxError> {
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
            network: Network::Shared,
            maps: id_maps(),
            grace: i64::try_from(options.grace.as_millis()).unwrap_or(i64::MAX / 4),
            most_pids: None,
            directory: c_path(&spec.directory),
            view: View::default(),
            ruleset: None,
            late: Vec::new(),
            filters: Vec::new(),
            limits: Vec::new(),
            caged: spec.caged,
            program: Program { paths: Vec::new(), words: Vec::new(), variables: Vec::new() },
        };
        if !spec.caged {
            if let Some(home) = &options.home {
                environment.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
            }
            if !spec.network {
                plan.filters = filter::no_sockets().map_err(unavailable)?;
            }
            plan.program = found(spec, &environment)?;
            return Ok(Ready { plan, door: None, scratch: None });
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
            spec.network || !spec.hosts.is_empty(),
        );
        plan.containment = self.containment().0;
        let alone = plan.containment != Containment::Subreaper;
        // Root may read what others may not. A mount locks it away; without mounts what lies around it is granted
        // one by one.
        let locked = if kernel::is_root() { grants::system_secrets() } else { Vec::new() };
        let mut spelled = grants::spelled(options.home.as_deref(), &environment);
        let granted = grants::grants(&grants::Wanted {
            home: options.home.as_deref(),
            toolchains: &spelled,
            readable: &options.readable,
            unreadable: &options.unreadable,
            directory: &spec.directory,
            writable: &spec.writable,
            private: &private,
            system_secrets: if alone { &[] } else { &locked },
        });
        let way = self.way(spec, plan.containment)?;
        plan.network = way.network;
        if let Some(port) = way.port {
            environment::proxy(&mut environment, port);
        }
        let prepared = ruleset::build(&granted, way.connections).map_err(unavailable)?;
        plan.late.push((c"/proc".to_owned(), prepared.read));
        if alone {
            // Only where they are private ones: elsewhere they hold the memory of other programs, and terminals.
            plan.late.push((c"/dev/shm".to_owned(), prepared.write));
            plan.late.push((c"/dev/pts".to_owned(), prepared.device));
            let roots: Vec<PathBuf> = spec.writable.iter().chain(&private).cloned().collect();
            spelled.extend(roots.iter().chain([&spec.directory]).cloned());
            plan.view = view::view(&view::Wanted {
                home: options.home.as_deref(),
                grants: &granted,
                writable: &roots,
                spelled: &spelled,
                protected: &spec.writable,
                locked: &locked,
            });
            plan.most_pids = most_pids(options);
        }
        plan.ruleset = Some(prepared.ruleset);
        plan.filters = filter::cage(Cage {
            sockets: way.sockets,
            alone,
            signals_held: alone || ruleset::holds_signals(),
        })
        .map_err(unavailable)?;
        plan.limits = limits(options);
        plan.program = found(spec, &environment)?;
        Ok(Ready { plan, door: way.door, scratch: Some(scratch) })
    }

    /// How a caged command reaches the network, if it does.
    fn way(&self, spec: &CommandSpec, containment: Containment) -> Result<Way, SandboxError> {
        let closed = |network, sockets, connections| Way {
            network,
            sockets,
            connections,
            door: None,
            port: None,
        };
        let own = containment.has_network();
        if spec.network {
            return Ok(closed(Network::Shared, Sockets::Network, Connections::Open));
        }
        if spec.hosts.is_empty() {
            return Ok(match containment {
                _ if own => closed(Network::Alone, Sockets::Loopback, Connections::Open),
                Containment::Namespaces { .. } => {
                    closed(Network::Shared, Sockets::Local, Connections::Closed)
                }
                Containment::Subreaper => {
                    closed(Network::Shared, Sockets::Unconnected, Connections::Closed)
                }
            });
        }
        if self.options.egress.is_none() {
            return Err(SandboxError::Unavailable { missing: "an egress proxy".to_owned() });
        }
        if own {
            return Ok(Way {
                port: Some(network::DOOR),
                ..closed(Network::Door, Sockets::Loopback, Connections::Open)
            });
        }
        if let Some(missing) = report::no_way_to_hosts() {
            return Err(SandboxError::Unavailable { missing });
        }
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = door.local_addr()?.port();
        Ok(Way {
            network: Network::Shared,
            sockets: Sockets::Streams,
            connections: Connections::Port(port),
            door: Some(door),
            port: Some(port),
        })
    }
}

/// How a command reaches the network.
struct Way {
    network: Network,
    sockets: Sockets,
    connections: Connections,
    /// The door of the proxy, where the command shares the machine's network.
    door: Option<TcpListener>,
    /// The port of the proxy, as the command sees it.
    port: Option<u16>,
}

/// Starts a plan: the keeper, and Bottega's end of the line to it.
fn launch(plan: Plan, streams: [OwnedFd; 3]) -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = line::pair()?;
    let (_, keeper) = Launch::new(plan, Ends { line: theirs, streams }).start()?;
    Ok((keeper, ours))
}

/// The program and its words.
fn found(
    spec: &CommandSpec,
    environment: &BTreeMap<String, String>,
) -> Result<Program, SandboxError> {
    let text = |text: &str| {
        CString::new(text).map_err(|_| SandboxError::Start {
            program: spec.argv.first().cloned().unwrap_or_default(),
            source: io::Error::new(io::ErrorKind::InvalidInput, "a word has a NUL character"),
        })
    };
    let program = spec.argv.first().map(String::as_str).unwrap_or_default();
    let paths = if program.contains('/') {
        vec![text(program)?]
    } else {
        let path = environment.get("PATH").map_or(USUAL_PATH, String::as_str);
        std::env::split_paths(path).map(|folder| c_path(&folder.join(program))).collect()
    };
    let words = spec.argv.iter().map(|word| text(word)).collect::<Result<_, _>>()?;
    let variables = environment
        .iter()
        .map(|(name, value)| text(&format!("{name}={value}")))
        .collect::<Result<_, _>>()?;
    Ok(Program { paths, words, variables })
}

/// The most processes as `pid_max` wants it. Before Linux 6.14 the number would be the whole machine's.
fn most_pids(options: &Options) -> Option<Vec<u8>> {
    let most = options.processes?.max(FEWEST_PIDS);
    (kernel::version() >= (6, 14)).then(|| most.to_string().into_bytes())
}

fn limits(options: &Options) -> Vec<(libc::__rlimit_resource_t, u64)> {
    [
        // A memory image of a crashed program would hold what the program held.
        (libc::RLIMIT_CORE, Some(0)),
        (libc::RLIMIT_NPROC, options.processes),
        (libc::RLIMIT_FSIZE, options.file_size),
        (libc::RLIMIT_DATA, options.memory),
    ]
    .into_iter()
    .filter_map(|(resource, most)| most.map(|most| (resource, most)))
    .collect()
}

/// Maps of a user namespace in which everybody is who they are.
fn id_maps() -> (Vec<u8>, Vec<u8>) {
    let (user, group) = kernel::identity();
    (format!("{user} {user} 1").into_bytes(), format!("{group} {group} 1").into_bytes())
}

/// Runs nothing in the namespaces, to see whether the machine allows them.
fn try_containment(containment: Containment) -> Result<(), String> {
    let error = |error: io::Error| error.to_string();
    let plan = Plan {
        containment,
        network: Network::Alone,
        maps: id_maps(),
        grace: 0,
        most_pids: None,
        directory: c"/".to_owned(),
        view: View::default(),
        ruleset: None,
        late: Vec::new(),
        filters: Vec::new(),
        limits: Vec::new(),
        caged: true,
        program: Program {
            paths: vec![c"/bin/sh".to_owned()],
            words: [c"sh", c"-c", c":"].map(ToOwned::to_owned).into(),
            variables: Vec::new(),
        },
    };
    let nothing = || {
        let nothing = std::fs::File::options().read(true).write(true).open("/dev/null");
        nothing.map(OwnedFd::from).map_err(error)
    };
    let (keeper, line) = launch(plan, [nothing()?, nothing()?, nothing()?]).map_err(error)?;
    let mut result = Err("the keeper said nothing".to_owned());
    while let Some(word) = line::hear_now(line.as_fd()).map_err(error)? {
        match word {
            Word::Ended(_) => result = Ok(()),
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
        report::report(&self.inner.options, *containment, refused.as_deref())
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
        let begun = tokio::task::spawn_blocking(move || inner.start(&spec))
            .await
            .map_err(|error| SandboxError::Lost(io::Error::other(error)))??;
        let Started { keeper, line, out, err, door, scratch } = begun;
        let running = Running {
            line: Line::new(line)?,
            keeper: Process::new(keeper, Arc::clone(&self.inner.orphans))?,
            out: Receiver::from_owned_fd(out)?,
            err: Receiver::from_owned_fd(err)?,
            door,
        };
        let egress = self.inner.options.egress.as_deref();
        let result = follow(running, command, sink, egress, started).await;
        if let Some(scratch) = scratch {
            // Large folders take a while to remove; what fails is swept by a later command.
            let _ = tokio::task::spawn_blocking(move || scratch.temporary.close()).await;
        }
        result
    }
}
