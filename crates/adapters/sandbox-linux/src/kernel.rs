//! Thin words for system calls that are made between fork and exec: nothing here allocates.

#![expect(
    unsafe_code,
    reason = "these calls have no safe form that is sure not to allocate after a fork"
)]

use std::ffi::CStr;
use std::io;
use std::os::fd::RawFd;
use std::ptr::null;

/// The error of the last call when it said that it failed.
pub(crate) fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The Landlock version of the running kernel; 0 without Landlock (`landlock_create_ruleset(2)`).
pub(crate) fn landlock_version() -> i32 {
    // SAFETY: with this flag the call reads no memory and only returns a number.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, null::<libc::c_void>(), 0_usize, 1_u32)
    };
    i32::try_from(version).unwrap_or_default().max(0)
}

/// Whether the kernel has seccomp filters.
pub(crate) fn has_seccomp() -> bool {
    // SAFETY: the call takes and returns numbers.
    unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 }
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    // SAFETY: the call can't fail and touches no memory.
    unsafe { libc::geteuid() == 0 }
}

/// The effective user and group.
pub(crate) fn identity() -> (u32, u32) {
    // SAFETY: the calls can't fail and touch no memory.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// Sets one property of the calling process.
pub(crate) fn prctl(option: libc::c_int, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: every option used here takes numbers only.
    checked(unsafe { libc::prctl(option, value, 0, 0, 0) }.into()).map(|_| ())
}

/// Starts a new process that is a copy of this one; 0 in the copy. `flags` may ask for namespaces.
///
/// The library's `fork` runs handlers that may take locks; the bare call does not.
pub(crate) fn split(flags: libc::c_int) -> io::Result<libc::pid_t> {
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: without a new stack and without shared memory the copy goes on where this process is; the
    // callers are single-threaded copies of a fork themselves and only make system calls.
    let pid = checked(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })?;
    libc::pid_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Leaves the shared namespaces named by `flags`.
pub(crate) fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: takes a number.
    checked(unsafe { libc::unshare(flags) }.into()).map(|_| ())
}

/// Mounts; see `mount(2)`.
pub(crate) fn mount(
    source: &CStr,
    target: &CStr,
    kind: &CStr,
    flags: libc::c_ulong,
    data: &CStr,
) -> io::Result<()> {
    // SAFETY: all four strings end in NUL and live through the call.
    checked(
        unsafe {
            libc::mount(
                source.as_ptr(),
                target.as_ptr(),
                kind.as_ptr(),
                flags,
                data.as_ptr().cast(),
            )
        }
        .into(),
    )
    .map(|_| ())
}

/// Makes a mount read-only and leaves its other properties (`mount_setattr(2)`).
pub(crate) fn make_read_only(target: &CStr) -> io::Result<()> {
    // `struct mount_attr`: what is set, what is cleared, propagation, user namespace.
    let attributes: [u64; 4] = [1, 0, 0, 0];
    // SAFETY: the structure is as large as the size says and lives through the call.
    checked(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            target.as_ptr(),
            0_u32,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    })
    .map(|_| ())
}

/// Writes all of a short text into a file that exists.
pub(crate) fn write_file(path: &CStr, text: &[u8]) -> io::Result<()> {
    // SAFETY: the path ends in NUL; the buffer is as long as the call is told; the descriptor is ours.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        checked(file.into())?;
        let written = libc::write(file, text.as_ptr().cast(), text.len());
        let error = io::Error::last_os_error();
        libc::close(file);
        if usize::try_from(written) == Ok(text.len()) { Ok(()) } else { Err(error) }
    }
}

/// Adds a rule for what is at `path` now to a Landlock ruleset. Nothing there is no error.
pub(crate) fn landlock_allow(ruleset: RawFd, path: &CStr, access: u64) -> io::Result<()> {
    #[repr(C, packed)]
    struct PathBeneath {
        access: u64,
        parent: i32,
    }
    // SAFETY: the path ends in NUL; the structure is the one the kernel expects for rule type 1
    // (`LANDLOCK_RULE_PATH_BENEATH`) and lives through the call; the descriptor is ours.
    unsafe {
        let parent = libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
        if parent < 0 {
            return Ok(());
        }
        let rule = PathBeneath { access, parent };
        let result =
            libc::syscall(libc::SYS_landlock_add_rule, ruleset, 1_u32, &raw const rule, 0_u32);
        let result = checked(result).map(|_| ());
        libc::close(parent);
        result
    }
}

/// Enters a Landlock ruleset for good.
pub(crate) fn landlock_enter(ruleset: RawFd) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0_u32) }).map(|_| ())
}

/// Gives up every capability, and every way to get one back.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    // `struct __user_cap_header_struct` version 3 and two empty `__user_cap_data_struct`.
    let header: [u32; 2] = [0x2008_0522, 0];
    let none: [u32; 6] = [0; 6];
    for capability in 0..64 {
        // Refused to those who have no capabilities to lose, and past the last capability.
        let _ = prctl(libc::PR_CAPBSET_DROP, capability);
    }
    // Root is nobody special: SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP, both locked (`capabilities(7)`).
    let _ = prctl(libc::PR_SET_SECUREBITS, 0b1111);
    // SAFETY: both structures have the layout of version 3 and live through the call.
    checked(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }).map(|_| ())
}

/// Blocks all signals that can be blocked, or none.
pub(crate) fn block_signals(all: bool) -> io::Result<()> {
    // SAFETY: the set is initialised before it is used.
    unsafe {
        let mut set = std::mem::zeroed();
        if all {
            libc::sigfillset(&raw mut set)
        } else {
            libc::sigemptyset(&raw mut set)
        };
        checked(libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()).into())
            .map(|_| ())
    }
}

/// Lowers a limit; one that is lower already stays.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    // SAFETY: the structure lives through both calls.
    unsafe {
        let mut now: libc::rlimit = std::mem::zeroed();
        checked(libc::getrlimit(resource, &raw mut now).into())?;
        now.rlim_cur = now.rlim_cur.min(most);
        now.rlim_max = now.rlim_max.min(most);
        checked(libc::setrlimit(resource, &raw const now).into()).map(|_| ())
    }
}

/// Closes every descriptor except `kept`.
pub(crate) fn close_all_but(kept: RawFd) {
    let kept = kept.cast_unsigned();
    // SAFETY: the callers never use a descriptor again that is closed here.
    unsafe {
        if kept > 0 {
            libc::syscall(libc::SYS_close_range, 0_u32, kept - 1, 0_u32);
        }
        libc::syscall(libc::SYS_close_range, kept + 1, u32::MAX, 0_u32);
    }
}

/// Lets no descriptor but the three standard ones through an exec.
pub(crate) fn close_on_exec() {
    const CLOSE_RANGE_CLOEXEC: u32 = 4;
    // SAFETY: takes numbers, closes nothing now.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, CLOSE_RANGE_CLOEXEC) };
}

/// Enters a folder.
pub(crate) fn enter_folder(path: &CStr) -> io::Result<()> {
    // SAFETY: the path ends in NUL.
    checked(unsafe { libc::chdir(path.as_ptr()) }.into()).map(|_| ())
}

/// Starts a session of its own, if this process does not lead one.
pub(crate) fn new_session() {
    // SAFETY: takes nothing; fails only when there is nothing to do.
    unsafe { libc::setsid() };
}

/// From here on no program gives this process more rights than it has (`PR_SET_NO_NEW_PRIVS`).
pub(crate) fn prctl_no_new_privileges() -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Brings the loopback of a new network namespace up (`netdevice(7)`).
pub(crate) fn start_loopback() -> io::Result<()> {
    // SAFETY: the structure is zeroed, its name ends in NUL, and it lives through both calls; the union's
    // flags are what these two requests read and write; the descriptor is ours.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        checked(socket.into())?;
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
            *to = from.cast_signed() as libc::c_char;
        }
        let mut result = checked(libc::ioctl(socket, libc::SIOCGIFFLAGS, &raw mut request).into());
        if result.is_ok() {
            request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short;
            result = checked(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request).into());
        }
        libc::close(socket);
        result.map(|_| ())
    }
}
