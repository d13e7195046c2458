//! What happens between the copy and the program.
//!
//! ```text
//! Bottega ── clone (new namespaces) ─▶ keeper ── clone (shared memory) ─▶ command ── exec
//!                                      `keeper`                           enters the cage
//! ```
//!
//! All of it is system calls on what [`Plan`] holds; nothing is allocated, no lock is taken.

#![expect(unsafe_code, reason = "code between fork and exec waits and ends by bare system calls")]

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::null;
use std::sync::Arc;

use seccompiler::BpfProgram;

use crate::mounts::View;
use crate::{keeper, kernel, line, network};

/// What keeps a command's processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Containment {
    /// PID, mount and IPC namespaces, in a user namespace of its own unless this is root.
    Namespaces {
        /// Whether a user namespace is needed.
        user: bool,
        /// Whether there can be a network namespace too, with a loopback and nothing else.
        loopback: bool,
    },
    /// A keeper that adopts what daemonises.
    Subreaper,
}

impl Containment {
    /// Whether a command can have a network of its own.
    pub(crate) const fn has_network(self) -> bool {
        matches!(self, Self::Namespaces { loopback: true, .. })
    }

    /// Whether a network of its own can be lent to another command afterwards: one that belongs to a user namespace
    /// is out of reach from beside it.
    pub(crate) const fn lends_network(self) -> bool {
        matches!(self, Self::Namespaces { user: false, loopback: true })
    }

    /// The namespaces that a keeper begins in.
    fn flags(self, network: Network, lent: bool) -> libc::c_int {
        let Self::Namespaces { user, loopback } = self else { return 0 };
        let mut flags = libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWIPC;
        if user {
            flags |= libc::CLONE_NEWUSER;
        }
        if loopback && network != Network::Shared && !lent {
            flags |= libc::CLONE_NEWNET;
        }
        flags
    }
}

/// The network of a command, where there can be one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// The machine's.
    Shared,
    /// Its own, with a loopback.
    Alone,
    /// Its own, with a door to the egress proxy.
    Door,
}

/// What failed on the way into the cage. Its number travels to Bottega.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Namespaces.
    Namespaces = 1,
    /// The network of its own.
    Network,
    /// Mounts.
    Mounts,
    /// Limits.
    Limits,
    /// No new privileges, no capabilities.
    Privileges,
    /// Landlock.
    Landlock,
    /// Seccomp.
    Seccomp,
}

impl Stage {
    /// All stages.
    pub(crate) const ALL: [Self; 7] = [
        Self::Namespaces,
        Self::Network,
        Self::Mounts,
        Self::Limits,
        Self::Privileges,
        Self::Landlock,
        Self::Seccomp,
    ];

    /// What a person reads.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Network => "a network of its own",
            Self::Mounts => "private mounts",
            Self::Limits => "limits",
            Self::Privileges => "giving up privileges",
            Self::Landlock => "Landlock",
            Self::Seccomp => "seccomp filters",
        }
    }

    /// What a person reads about the stage with this number.
    pub(crate) fn named(number: i32) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|stage| *stage as i32 == number)
            .map_or("the sandbox", Self::name)
    }
}

/// The program: where it may be, its words, its variables.
pub(crate) struct Program {
    /// Paths to try, in this order.
    pub(crate) paths: Vec<CString>,
    /// The words, the program's name first.
    pub(crate) words: Vec<CString>,
    /// `NAME=value`, each.
    pub(crate) variables: Vec<CString>,
}

/// Everything that is needed after the fork.
pub(crate) struct Plan {
    /// How processes are kept together.
    pub(crate) containment: Containment,
    /// The network.
    pub(crate) network: Network,
    /// The network of an earlier command, where nothing is left, instead of a new one.
    pub(crate) lent: Option<Arc<OwnedFd>>,
    /// `uid_map` and `gid_map` of a user namespace.
    pub(crate) maps: (Vec<u8>, Vec<u8>),
    /// How long what is left behind may go on, in milliseconds.
    pub(crate) grace: i64,
    /// The most processes, as a text for `pid_max` of a PID namespace; nothing where that would be the machine's.
    pub(crate) most_pids: Option<Vec<u8>>,
    /// Where the command starts.
    pub(crate) directory: CString,
    /// What is seen of the files, where there is a mount namespace.
    pub(crate) view: View,
    /// The ruleset of a caged command.
    pub(crate) ruleset: Option<OwnedFd>,
    /// Rules for what is mounted after the fork.
    pub(crate) late: Vec<(CString, u64)>,
    /// The seccomp program.
    pub(crate) filter: Option<BpfProgram>,
    /// Limits of resources.
    pub(crate) limits: Vec<(libc::__rlimit_resource_t, u64)>,
    /// Whether the command keeps no privileges.
    pub(crate) caged: bool,
    /// What is run.
    pub(crate) program: Program,
    /// Descriptors that the program gets, under the numbers that they have.
    pub(crate) passed: Vec<OwnedFd>,
    /// Folders that stand only as long as the command runs; Bottega takes them away, or the keeper where it can't.
    pub(crate) placeholders: Vec<CString>,
}

impl Plan {
    /// A plan that does nothing beside running a program, which is still to be named.
    pub(crate) fn bare(containment: Containment) -> Self {
        Self {
            containment,
            network: Network::Shared,
            lent: None,
            maps: id_maps(),
            grace: 0,
            most_pids: None,
            directory: c"/".to_owned(),
            view: View::default(),
            ruleset: None,
            late: Vec::new(),
            filter: None,
            limits: Vec::new(),
            caged: false,
            program: Program { paths: Vec::new(), words: Vec::new(), variables: Vec::new() },
            passed: Vec::new(),
            placeholders: Vec::new(),
        }
    }
}

/// Maps of a user namespace in which everybody is who they are.
fn id_maps() -> (Vec<u8>, Vec<u8>) {
    let (user, group) = kernel::identity();
    (format!("{user} {user} 1").into_bytes(), format!("{group} {group} 1").into_bytes())
}

/// What a keeper and its command hold of Bottega's.
pub(crate) struct Ends {
    /// The keeper's end of the line.
    pub(crate) line: OwnedFd,
    /// Standard input, output and error of the command.
    pub(crate) streams: [OwnedFd; 3],
}

/// How likely the machine takes a caged process when its memory is used up, of 1,000: before Bottega, its
/// models and whatever else the user runs.
const TAKEN_FIRST: &[u8] = b"800";

/// Bytes of the stack on which a command enters its cage.
const STACK: usize = 256 << 10;

/// A command that is about to be started. Made before the fork, so that nothing is allocated after it.
pub(crate) struct Launch {
    plan: Plan,
    ends: Ends,
    words: Vec<*const libc::c_char>,
    variables: Vec<*const libc::c_char>,
    stack: Box<[MaybeUninit<u8>]>,
}

impl Launch {
    /// Gets ready.
    pub(crate) fn new(plan: Plan, ends: Ends) -> Self {
        let pointers = |texts: &[CString]| {
            texts.iter().map(|text| text.as_ptr()).chain([null()]).collect::<Vec<_>>()
        };
        let words = pointers(&plan.program.words);
        let variables = pointers(&plan.program.variables);
        // Never written here: each page that is touched would be copied after the fork.
        let stack = Box::new_uninit_slice(STACK);
        Self { plan, ends, words, variables, stack }
    }

    /// Starts the keeper; it starts the command.
    pub(crate) fn start(self) -> io::Result<(libc::pid_t, OwnedFd)> {
        // A signal that comes while there are two of us belongs to Bottega, not to its copy.
        let blocked = kernel::block_signals()?;
        let copied =
            kernel::copy(self.plan.containment.flags(self.plan.network, self.plan.lent.is_some()));
        if let Ok(None) = copied {
            self.keep();
        }
        kernel::restore_signals(&blocked);
        copied?.ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Runs in the copy.
    fn keep(&self) -> ! {
        let plan = &self.plan;
        let started = self.prepare().and_then(|()| {
            kernel::become_beside(command, std::ptr::from_ref(self).cast_mut().cast(), &self.stack)
        });
        match started {
            Ok(command) => keeper::keep(plan, self.ends.line.as_fd(), command),
            // SAFETY: ends this process without running anything of the program it was copied from.
            Err(_) => unsafe { libc::_exit(1) },
        }
    }

    /// What the keeper does for the command.
    fn prepare(&self) -> io::Result<()> {
        let plan = &self.plan;
        kernel::new_session();
        let Containment::Namespaces { user, loopback } = plan.containment else {
            let adopts = kernel::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
            return self.staged(Stage::Namespaces, adopts);
        };
        if user {
            self.staged(Stage::Namespaces, self.map_users())?;
        }
        if loopback && plan.network != Network::Shared {
            let entered = match &plan.lent {
                Some(lent) => kernel::enter_network(lent.as_fd()),
                None => network::start_loopback(),
            };
            self.staged(Stage::Network, entered)?;
        }
        if plan.network == Network::Door {
            let door = network::open_door().and_then(|door| {
                line::hand_door(self.ends.line.as_fd(), door.as_fd())
                // The door closes here: Bottega holds it now.
            });
            self.staged(Stage::Network, door)?;
        }
        self.staged(Stage::Mounts, plan.view.take())?;
        if let Some(most) = &plan.most_pids {
            self.staged(Stage::Limits, kernel::write_file(c"/proc/sys/kernel/pid_max", most))?;
        }
        Ok(())
    }

    fn map_users(&self) -> io::Result<()> {
        kernel::write_file(c"/proc/self/setgroups", b"deny")?;
        kernel::write_file(c"/proc/self/uid_map", &self.plan.maps.0)?;
        kernel::write_file(c"/proc/self/gid_map", &self.plan.maps.1)
    }

    /// What the command does before it becomes its program.
    fn enter(&self) -> io::Result<()> {
        let plan = &self.plan;
        kernel::new_session();
        if plan.containment == Containment::Subreaper {
            self.staged(Stage::Privileges, kernel::prctl(libc::PR_SET_PDEATHSIG, 9))?;
        }
        for (number, stream) in (0..).zip(&self.ends.streams) {
            kernel::put_at(stream.as_raw_fd(), number)?;
        }
        // Where it can't be written, the machine chooses as it always did.
        let _ = kernel::write_file(c"/proc/self/oom_score_adj", TAKEN_FIRST);
        for (resource, most) in &plan.limits {
            self.staged(Stage::Limits, kernel::limit(*resource, *most))?;
        }
        if plan.caged || plan.filter.is_some() {
            self.staged(Stage::Privileges, kernel::prctl_no_new_privileges())?;
        }
        if let Some(ruleset) = &plan.ruleset {
            for (path, access) in &plan.late {
                self.staged(
                    Stage::Landlock,
                    kernel::landlock_allow(ruleset.as_raw_fd(), path, *access),
                )?;
            }
            self.staged(Stage::Landlock, kernel::landlock_enter(ruleset.as_raw_fd()))?;
        }
        if plan.caged {
            self.staged(Stage::Privileges, kernel::drop_capabilities())?;
        }
        kernel::close_on_exec();
        for passed in &plan.passed {
            kernel::keep_on_exec(passed.as_raw_fd())?;
        }
        kernel::forget_handlers();
        kernel::unblock_signals()?;
        if let Some(program) = &plan.filter {
            let entered =
                seccompiler::apply_filter(program).map_err(|_| io::Error::last_os_error());
            self.staged(Stage::Seccomp, entered)?;
        }
        Ok(())
    }

    /// Becomes the program. Comes back with the reason why it can't.
    fn become_program(&self) -> io::Error {
        let mut refused = None;
        for path in &self.plan.program.paths {
            // SAFETY: the path ends in NUL; both lists end in null and point at texts that live in the plan.
            unsafe {
                libc::execve(path.as_ptr(), self.words.as_ptr(), self.variables.as_ptr());
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                // As `execvp(3)` does: one that may not be run is told of only when there is no other.
                Some(libc::EACCES) => refused = refused.or(Some(error)),
                Some(libc::ENOENT | libc::ENOTDIR) => {}
                _ => return error,
            }
        }
        refused.unwrap_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }

    /// Tells Bottega at which stage an error came, since the error itself is only a number.
    fn staged<T>(&self, stage: Stage, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            line::tell_failed(self.ends.line.as_fd(), stage as i32, error);
        }
        result
    }
}

/// Runs in the process that becomes the program, in the keeper's memory and on a stack of its own.
extern "C" fn command(launch: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the keeper passes itself, and stands still until this process is done with its memory.
    let launch = unsafe { &*launch.cast::<Launch>() };
    let line = launch.ends.line.as_fd();
    if let Err(error) = kernel::enter_folder(&launch.plan.directory) {
        line::tell_not_started(line, &error);
    } else if launch.enter().is_ok() {
        let error = launch.become_program();
        line::tell_not_started(line, &error);
    }
    // SAFETY: ends this process alone; the keeper goes on in the memory that both share.
    unsafe { libc::_exit(127) }
}

/// A path for system calls. Paths come from the file system and hold no NUL; one that does names nothing.
pub(crate) fn c_path(path: &std::path::Path) -> CString {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).unwrap_or_else(|_| CStr::to_owned(c"/nonexistent"))
}
