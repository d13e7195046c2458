//! What is decided about one command before it is started.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use bottega_tool::{CommandSpec, SandboxError};

use crate::bubblewrap;
use crate::cage::{Containment, Network, Plan, Program, c_path};
use crate::filter::{Cage, Sockets};
use crate::looks::Looks;
use crate::means::Means;
use crate::mounts::View;
use crate::options::Options;
use crate::placeholder::Placeholder;
use crate::ruleset::Connections;
use crate::scratch::Scratch;
use crate::{environment, filter, grants, kernel, network, protected, report, ruleset, view};

/// Where programs are looked for without a `PATH`.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The fewest processes that the PID namespace of a command can be held to: the kernel keeps numbers for itself.
const FEWEST_PIDS: u64 = 400;

/// A command that is ready to be started.
pub(crate) struct Ready {
    /// How.
    pub(crate) plan: Plan,
    /// The door of the egress proxy, where the command shares the machine's network.
    pub(crate) door: Option<TcpListener>,
    /// The private folders.
    pub(crate) scratch: Option<Scratch>,
    /// What stands where protected names are not there.
    pub(crate) placeholders: Vec<Placeholder>,
}

/// What a plan is made from.
pub(crate) struct Planning<'a> {
    pub(crate) options: &'a Options,
    pub(crate) spec: &'a CommandSpec,
    pub(crate) means: &'a Means,
    pub(crate) containment: Containment,
}

impl Planning<'_> {
    /// Everything that is decided before the fork.
    pub(crate) fn ready(&self) -> Result<Ready, SandboxError> {
        let Self { options, spec, .. } = *self;
        let mut environment = environment::clean(&environment::Wanted {
            user: &options.environment,
            pass: &options.pass,
            added: &spec.environment,
            network: spec.network,
        });
        environment.insert("PWD".to_owned(), spec.directory.to_string_lossy().into_owned());
        if spec.caged { self.caged(environment) } else { self.free(environment) }
    }

    /// A plan without a cage.
    fn free(&self, mut environment: BTreeMap<String, String>) -> Result<Ready, SandboxError> {
        if let Some(home) = &self.options.home {
            environment.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
        }
        let mut plan = self.bare();
        if !self.spec.network {
            plan.filter = Some(filter::no_sockets().map_err(unavailable)?);
        }
        plan.program = found(self.spec, &environment)?;
        Ok(Ready { plan, door: None, scratch: None, placeholders: Vec::new() })
    }

    /// A plan that does nothing beside running a program under its keeper.
    fn bare(&self) -> Plan {
        Plan {
            grace: i64::try_from(self.options.grace.as_millis()).unwrap_or(i64::MAX / 4),
            directory: c_path(&self.spec.directory),
            caged: self.spec.caged,
            ..Plan::bare(Containment::Subreaper)
        }
    }

    fn caged(&self, mut environment: BTreeMap<String, String>) -> Result<Ready, SandboxError> {
        let Self { options, spec, .. } = *self;
        let workspace = spec.writable.first().unwrap_or(&spec.directory);
        let scratch = Scratch::new(&options.scratch, workspace, options.home.as_deref())?;
        let private = [scratch.temporary.path().to_owned(), scratch.home.clone()];
        let placeholders = self.placeholders()?;
        // From here on nothing is made any more.
        let looks = Looks::default();
        environment::point(
            &mut environment,
            options.home.as_deref(),
            &looks,
            &scratch.home,
            scratch.temporary.path(),
            &spec.writable,
            spec.network || !spec.hosts.is_empty(),
        );
        let way = self.way()?;
        if let Some(port) = way.port {
            environment::proxy(&mut environment, port);
        }
        let mut plan = self.bare();
        plan.limits = limits(options);
        plan.program = found(spec, &environment)?;
        let found = Found { looks: &looks, environment: &environment, private: &private };
        match self.means {
            Means::Landlock => self.landlocked(&mut plan, &found, &way)?,
            Means::Bubblewrap(program) => self.wrapped(&mut plan, program, &found, &way)?,
        }
        plan.placeholders = placeholders.iter().map(|stands| c_path(stands.path())).collect();
        Ok(Ready { plan, door: way.door, scratch: Some(scratch), placeholders })
    }

    /// What stands where names that may not be made are not there.
    fn placeholders(&self) -> Result<Vec<Placeholder>, SandboxError> {
        let unwritable = &self.spec.guarded.unwritable;
        let wrapped = matches!(self.means, Means::Bubblewrap(_));
        if self.containment == Containment::Subreaper && !wrapped {
            if unwritable.is_empty() {
                return Ok(Vec::new());
            }
            let missing = "mounts for a command alone, to keep what rules and access.protected speak of as it is";
            return Err(unavailable(missing.to_owned()));
        }
        let mut placeholders = Placeholder::all(&self.spec.writable)?;
        placeholders.extend(Placeholder::guarding(unwritable)?);
        Ok(placeholders)
    }

    /// The cage that this crate builds.
    fn landlocked(
        &self,
        plan: &mut Plan,
        found: &Found<'_>,
        way: &Way,
    ) -> Result<(), SandboxError> {
        plan.containment = self.containment;
        plan.network = way.network;
        let alone = plan.containment != Containment::Subreaper;
        // A mount locks away what only root could read; without mounts what lies around it is granted one by one.
        let (locked, mut left_out) = (system_secrets(found.looks), self.secrets(found.looks));
        let locked = [locked, self.spec.guarded.unreadable.clone()].concat();
        if !alone {
            left_out.extend_from_slice(&locked);
        }
        let (granted, spelled) = self.granted(found, &left_out);
        let prepared =
            ruleset::build(found.looks, &granted, way.connections).map_err(unavailable)?;
        plan.late.push((c"/proc".to_owned(), prepared.read));
        if alone {
            // Only where they are private ones: elsewhere they hold the memory of other programs, and terminals.
            plan.late.push((c"/dev/shm".to_owned(), prepared.write));
            plan.late.push((c"/dev/pts".to_owned(), prepared.device));
            plan.view = self.view(found, &granted, spelled, &locked);
            plan.most_pids = most_pids(self.options);
        }
        plan.ruleset = Some(prepared.ruleset);
        let filter = filter::cage(Cage {
            sockets: way.sockets,
            alone,
            signals_held: alone || ruleset::holds_signals(),
        })
        .map_err(unavailable)?;
        plan.filter = Some(filter);
        Ok(())
    }

    /// The cage that bubblewrap builds: the same view of the files, the same system calls.
    fn wrapped(
        &self,
        plan: &mut Plan,
        program: &Path,
        found: &Found<'_>,
        way: &Way,
    ) -> Result<(), SandboxError> {
        let mut locked = self.secrets(found.looks);
        locked.extend(system_secrets(found.looks));
        locked.extend_from_slice(&self.spec.guarded.unreadable);
        let (granted, spelled) = self.granted(found, &[]);
        let view = self.view(found, &granted, spelled, &locked);
        let filter = filter::cage(Cage { sockets: way.sockets, alone: true, signals_held: true })
            .map_err(unavailable)?;
        plan.passed = vec![bubblewrap::written(&filter)?];
        plan.program.words = bubblewrap::words(&view, self.spec, &plan.passed, &plan.program.words);
        plan.program.paths = vec![c_path(program)];
        // It gives up privileges itself, after it has used them.
        plan.caged = false;
        Ok(())
    }

    fn secrets(&self, looks: &Looks) -> Vec<PathBuf> {
        let Self { options, spec, .. } = *self;
        grants::secrets(
            looks,
            options.home.as_deref(),
            &options.unreadable,
            &spec.directory,
            &spec.writable,
        )
    }

    /// What may be touched, and the paths through which it will be.
    fn granted(
        &self,
        found: &Found<'_>,
        secrets: &[PathBuf],
    ) -> (Vec<(PathBuf, grants::Right)>, Vec<PathBuf>) {
        let Self { options, spec, .. } = *self;
        let Found { looks, environment, private } = *found;
        let spelled = grants::spelled(looks, options.home.as_deref(), environment);
        let granted = grants::grants(&grants::Wanted {
            looks,
            home: options.home.as_deref(),
            toolchains: &spelled,
            readable: &options.readable,
            directory: &spec.directory,
            writable: &spec.writable,
            private,
            secrets,
        });
        (granted, spelled)
    }

    fn view(
        &self,
        found: &Found<'_>,
        granted: &[(PathBuf, grants::Right)],
        mut spelled: Vec<PathBuf>,
        locked: &[PathBuf],
    ) -> View {
        let Self { options, spec, .. } = *self;
        let roots: Vec<PathBuf> = spec.writable.iter().chain(found.private).cloned().collect();
        spelled.extend(roots.iter().chain([&spec.directory]).cloned());
        let mut view = view::view(&view::Wanted {
            looks: found.looks,
            home: options.home.as_deref(),
            grants: granted,
            writable: &roots,
            spelled: &spelled,
            protected: &spec.writable,
            locked,
        })
        .with_shared(options.memory);
        if !spec.guarded.is_empty() {
            view.covers = protected::guarded(&spec.guarded, &spec.writable, view.covers);
        }
        view
    }

    /// How a caged command reaches the network, if it does.
    fn way(&self) -> Result<Way, SandboxError> {
        let Self { spec, containment, .. } = *self;
        let plain = |network, sockets, connections| Way {
            network,
            sockets,
            connections,
            door: None,
            port: None,
        };
        let wrapped = matches!(self.means, Means::Bubblewrap(_));
        let own = containment.has_network() || wrapped;
        if spec.network {
            return Ok(plain(Network::Shared, Sockets::Network, Connections::Open));
        }
        if spec.hosts.is_empty() {
            return Ok(match containment {
                _ if own => plain(Network::Alone, Sockets::Loopback, Connections::Open),
                Containment::Namespaces { .. } => {
                    plain(Network::Shared, Sockets::Local, Connections::Closed)
                }
                Containment::Subreaper => {
                    plain(Network::Shared, Sockets::Unconnected, Connections::Closed)
                }
            });
        }
        if let Some(missing) = report::no_way_to_hosts(self.options, containment, self.means) {
            return Err(unavailable(missing));
        }
        if own {
            return Ok(Way {
                port: Some(network::DOOR),
                ..plain(Network::Door, Sockets::Loopback, Connections::Open)
            });
        }
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = door.local_addr()?.port();
        Ok(Way {
            door: Some(door),
            port: Some(port),
            ..plain(Network::Shared, Sockets::Streams, Connections::Port(port))
        })
    }
}

const fn unavailable(missing: String) -> SandboxError {
    SandboxError::Unavailable { missing }
}

fn system_secrets(looks: &Looks) -> Vec<PathBuf> {
    if kernel::is_root() { grants::system_secrets(looks) } else { Vec::new() }
}

/// What was found out before the paths are decided about.
struct Found<'a> {
    /// What is where.
    looks: &'a Looks,
    /// The command's variables.
    environment: &'a BTreeMap<String, String>,
    /// Its private folders.
    private: &'a [PathBuf],
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
