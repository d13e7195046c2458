//! What happens between fork and exec.
//!
//! ```text
//! Bottega ── fork ─▶ watcher ── clone (new PID namespace) ─▶ keeper ── clone ─▶ command ── exec
//!                    waits for the keeper                    `keeper`          enters the cage
//! ```
//!
//! All of it is system calls on what [`Plan`] holds; nothing is allocated, no lock is taken.

#![expect(unsafe_code, reason = "code between fork and exec waits and ends by bare system calls")]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use seccompiler::BpfProgram;

use crate::keeper;
use crate::kernel;

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

/// What failed on the way into the cage. Its number travels to Bottega.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Namespaces.
    Namespaces = 1,
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
    pub(crate) const ALL: [Self; 6] = [
        Self::Namespaces,
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
            Self::Mounts => "private mounts",
            Self::Limits => "limits",
            Self::Privileges => "giving up privileges",
            Self::Landlock => "Landlock",
            Self::Seccomp => "seccomp filters",
        }
    }
}

/// How something is hidden or protected by a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// An empty folder stands over it.
    EmptyFolder,
    /// `/dev/null` stands over it.
    Nothing,
    /// It can't be renamed or removed.
    Pinned,
    /// It can't be changed at all.
    ReadOnly,
}

/// Everything that is needed after the fork.
pub(crate) struct Plan {
    /// How processes are kept together.
    pub(crate) containment: Containment,
    /// `uid_map` and `gid_map` of a user namespace.
    pub(crate) maps: (Vec<u8>, Vec<u8>),
    /// The keeper's end of the line to Bottega.
    pub(crate) line: OwnedFd,
    /// How long what is left behind may go on, in milliseconds.
    pub(crate) grace: i64,
    /// Where the command starts.
    pub(crate) directory: CString,
    /// What is hidden or protected, where there is a mount namespace.
    pub(crate) covers: Vec<(CString, Cover)>,
    /// The ruleset of a caged command.
    pub(crate) ruleset: Option<OwnedFd>,
    /// Rules for what is mounted after the fork.
    pub(crate) late: Vec<(CString, u64)>,
    /// Seccomp programs, entered in this order.
    pub(crate) filters: Vec<BpfProgram>,
    /// Limits of resources.
    pub(crate) limits: Vec<(libc::__rlimit_resource_t, u64)>,
    /// Whether the command gets a network of its own, where there can be one.
    pub(crate) alone: bool,
    /// Whether the command keeps no privileges.
    pub(crate) caged: bool,
}

impl Plan {
    /// Runs in the forked child. Comes back only in the process that is to become the command, or with an
    /// error in whichever process met it.
    pub(crate) fn carry_out(&self) -> io::Result<()> {
        kernel::block_signals(true)?;
        kernel::new_session();
        match self.containment {
            Containment::Subreaper => kernel::prctl(libc::PR_SET_CHILD_SUBREAPER, 1)?,
            Containment::Namespaces { user, loopback } => {
                let keeper =
                    self.staged(Stage::Namespaces, self.leave(user, loopback && self.alone))?;
                if keeper != 0 {
                    watch(keeper);
                }
                self.staged(Stage::Mounts, self.mount())?;
            }
        }
        let command = kernel::split(0)?;
        if command != 0 {
            keeper::keep(self, command);
        }
        kernel::new_session();
        if self.containment == Containment::Subreaper {
            kernel::prctl(libc::PR_SET_PDEATHSIG, 9)?;
        }
        self.enter()
    }

    fn leave(&self, user: bool, alone: bool) -> io::Result<libc::pid_t> {
        kernel::unshare(
            libc::CLONE_NEWNS | libc::CLONE_NEWIPC | if user { libc::CLONE_NEWUSER } else { 0 },
        )?;
        if user {
            kernel::write_file(c"/proc/self/setgroups", b"deny")?;
            kernel::write_file(c"/proc/self/uid_map", &self.maps.0)?;
            kernel::write_file(c"/proc/self/gid_map", &self.maps.1)?;
        }
        if alone {
            kernel::unshare(libc::CLONE_NEWNET)?;
            kernel::start_loopback()?;
        }
        kernel::split(libc::CLONE_NEWPID)
    }

    fn mount(&self) -> io::Result<()> {
        let strict = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        kernel::mount(c"none", c"/", c"", libc::MS_REC | libc::MS_PRIVATE, c"")?;
        kernel::mount(c"proc", c"/proc", c"proc", strict, c"")?;
        present(kernel::mount(c"tmpfs", c"/dev/shm", c"tmpfs", strict, c"mode=1777"))?;
        for (path, cover) in &self.covers {
            let bind = libc::MS_BIND | libc::MS_REC;
            present(match cover {
                Cover::EmptyFolder => {
                    kernel::mount(c"tmpfs", path, c"tmpfs", strict, c"mode=0555,size=4k")
                }
                Cover::Nothing => kernel::mount(c"/dev/null", path, c"", libc::MS_BIND, c""),
                Cover::Pinned => kernel::mount(path, path, c"", bind, c""),
                Cover::ReadOnly => kernel::mount(path, path, c"", bind, c"")
                    .and_then(|()| kernel::make_read_only(path)),
            })?;
        }
        Ok(())
    }

    fn enter(&self) -> io::Result<()> {
        if self.containment != Containment::Subreaper {
            // The folder was entered before the mounts; what stands over it now must count.
            kernel::enter_folder(&self.directory)?;
        }
        for (resource, most) in &self.limits {
            self.staged(Stage::Limits, kernel::limit(*resource, *most))?;
        }
        if self.caged || !self.filters.is_empty() {
            self.staged(Stage::Privileges, kernel::prctl_no_new_privileges())?;
        }
        if let Some(ruleset) = &self.ruleset {
            for (path, access) in &self.late {
                self.staged(
                    Stage::Landlock,
                    kernel::landlock_allow(ruleset.as_raw_fd(), path, *access),
                )?;
            }
            self.staged(Stage::Landlock, kernel::landlock_enter(ruleset.as_raw_fd()))?;
        }
        if self.caged {
            self.staged(Stage::Privileges, kernel::drop_capabilities())?;
        }
        kernel::close_on_exec();
        kernel::block_signals(false)?;
        for program in &self.filters {
            let entered =
                seccompiler::apply_filter(program).map_err(|_| io::Error::last_os_error());
            self.staged(Stage::Seccomp, entered)?;
        }
        Ok(())
    }

    /// Tells Bottega at which stage an error came, since the error itself is only a number.
    fn staged<T>(&self, stage: Stage, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            keeper::tell(self.line.as_raw_fd(), keeper::FAILED, stage as i32);
        }
        result
    }
}

/// What is not there needs no cover.
fn present(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(()),
        result => result,
    }
}

/// Waits for the keeper, so that Bottega has a child to wait for. A new PID namespace needs a new process,
/// and Bottega's own child is not in it.
fn watch(keeper: libc::pid_t) -> ! {
    // SAFETY: plain system calls; this process does nothing else any more.
    unsafe {
        libc::syscall(libc::SYS_close_range, 0_u32, u32::MAX, 0_u32);
        let mut status = 0;
        while libc::waitpid(keeper, &raw mut status, libc::__WALL) < 0
            && io::Error::last_os_error().raw_os_error() == Some(libc::EINTR)
        {}
        libc::_exit(0)
    }
}

/// A path for system calls. Paths come from the file system and hold no NUL; one that does names nothing.
pub(crate) fn c_path(path: &std::path::Path) -> CString {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).unwrap_or_else(|_| CStr::to_owned(c"/nonexistent"))
}
