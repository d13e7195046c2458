//! Thin words for system calls that are made between fork and exec: nothing here allocates.

#![expect(
    unsafe_code,
    reason = "these calls have no safe form that is sure not to allocate after a fork"
)]

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
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

/// The version of the running kernel: its first two numbers.
pub(crate) fn version() -> (u32, u32) {
    // SAFETY: the structure lives through the call, which fills it with texts that end in NUL.
    let release = unsafe {
        let mut about: libc::utsname = std::mem::zeroed();
        libc::uname(&raw mut about);
        CStr::from_ptr(about.release.as_ptr()).to_string_lossy().into_owned()
    };
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().ok());
    let mut next = || numbers.next().flatten().unwrap_or_default();
    (next(), next())
}

/// Bytes of the machine's memory, swap included.
pub(crate) fn memory() -> Option<u64> {
    // SAFETY: the structure lives through the call, which fills it.
    unsafe {
        let mut about: libc::sysinfo = std::mem::zeroed();
        checked(libc::sysinfo(&raw mut about).into()).ok()?;
        Some((about.totalram + about.totalswap) * u64::from(about.mem_unit))
    }
}

/// Sets one property of the calling process.
pub(crate) fn prctl(option: libc::c_int, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: every option used here takes numbers only.
    checked(unsafe { libc::prctl(option, value, 0, 0, 0) }.into()).map(|_| ())
}

/// Starts a new process that is a copy of this one, in new namespaces where `flags` ask for them. `None` in
/// the copy; here its number, and a descriptor that stands for it and becomes readable when it ends.
///
/// The library's `fork` runs handlers that may take locks; the bare call does not.
pub(crate) fn copy(flags: libc::c_int) -> io::Result<Option<(libc::pid_t, OwnedFd)>> {
    let flags = libc::c_long::from(flags | libc::CLONE_PIDFD | libc::SIGCHLD);
    let mut pidfd: libc::c_int = -1;
    // SAFETY: without a new stack and without shared memory the copy goes on where this process is. The third
    // argument is where the descriptor is stored on every architecture that Bottega is built for.
    let pid = checked(unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) })?;
    if pid == 0 {
        return Ok(None);
    }
    let pid = libc::pid_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: the kernel has just given this descriptor to us.
    Ok(Some((pid, unsafe { OwnedFd::from_raw_fd(pidfd) })))
}

/// Starts a process that runs `work` on `stack` in this process' memory, and waits until it has become another
/// program or ended: as cheap as a fork can be, since no memory is copied.
pub(crate) fn become_beside(
    work: extern "C" fn(*mut libc::c_void) -> libc::c_int,
    argument: *mut libc::c_void,
    stack: &[MaybeUninit<u8>],
) -> io::Result<libc::pid_t> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let top = stack.as_ptr_range().end.cast_mut();
    let top = top.wrapping_sub(top.addr() % 16);
    // SAFETY: the stack is large enough for `work`, which makes system calls only, and nothing else uses it;
    // this process stands still until the other one is done with its memory.
    let pid = checked(unsafe { libc::clone(work, top.cast(), flags, argument) }.into())?;
    libc::pid_t::try_from(pid).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Moves this process into a network namespace.
pub(crate) fn enter_network(network: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes numbers; the descriptor is open.
    checked(unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) }.into()).map(|_| ())
}

/// Gives every signal the effect that it has without a handler.
pub(crate) fn forget_handlers() {
    for signal in 1..65 {
        // SAFETY: the structure is filled before use and lives through the call. What can't be set
        // (`SIGKILL`, `SIGSTOP`, the library's own) is refused and needs nothing.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Makes `from` the descriptor with the number `to`, for the program that comes.
pub(crate) fn put_at(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: takes numbers; both are different, and what was at `to` is not used again.
    checked(unsafe { libc::dup2(from, to) }.into()).map(|_| ())
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
        if prctl(libc::PR_CAPBSET_DROP, capability).is_err() {
            break;
        }
    }
    // Root is nobody special: SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP, both locked (`capabilities(7)`).
    let _ = prctl(libc::PR_SET_SECUREBITS, 0b1111);
    // SAFETY: both structures have the layout of version 3 and live through the call.
    checked(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }).map(|_| ())
}

/// Blocks all signals that can be blocked, and returns those that were blocked before.
pub(crate) fn block_signals() -> io::Result<libc::sigset_t> {
    // SAFETY: both sets are initialised before they are used.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        let result = libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        if result == 0 { Ok(before) } else { Err(io::Error::from_raw_os_error(result)) }
    }
}

/// Blocks these signals and no others.
pub(crate) fn restore_signals(blocked: &libc::sigset_t) {
    // SAFETY: the set was filled by the kernel; nothing can be wrong about it.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, blocked, std::ptr::null_mut()) };
}

/// Blocks no signal.
pub(crate) fn unblock_signals() -> io::Result<()> {
    // SAFETY: the set is initialised before it is used.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        checked(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()).into())
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

/// Lets one descriptor through an exec.
pub(crate) fn keep_on_exec(descriptor: RawFd) -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) }.into()).map(|_| ())
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
