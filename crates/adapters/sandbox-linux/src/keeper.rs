//! The process that lets nothing outlive a command.
//!
//! It waits for the command, reports its status, gives what was left behind its grace, kills the rest and
//! ends. When Bottega's end of the line closes, it kills and ends at once.

#![expect(
    unsafe_code,
    reason = "the keeper lives between fork and exec and makes bare system calls only"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use crate::cage::{Containment, Network, Plan};
use crate::{descent, kernel, line, network};

/// How long killed processes are waited for, in milliseconds: one that hangs in the kernel dies later.
const LAST_WAIT: i64 = 5_000;

/// Looks, five milliseconds apart, at whether a folder is still locked by whoever made it.
const UNLOCKING: usize = 50;

/// Keeps the command until nothing is left of it.
pub(crate) fn keep(plan: &Plan, words: BorrowedFd<'_>, command: libc::pid_t) -> ! {
    let line = words.as_raw_fd();
    kernel::close_all_but(line);
    // This process is a copy of Bottega, secrets included: nobody may look into it. Can't fail.
    let _ = kernel::prctl(libc::PR_SET_DUMPABLE, 0);
    // SAFETY: the set is filled before use. All signals are blocked, so that none is lost between looking
    // for ended children and waiting for more.
    let signals = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC)
    };
    let mut status = None;
    let mut until = i64::MAX;
    let mut left_alone = false;
    loop {
        let children = reap(command, &mut status);
        if let Some(status) = status
            && until == i64::MAX
        {
            line::tell_ended(words, status);
            until = now() + plan.grace;
        }
        if matches!(children, Left::Nothing) {
            break;
        }
        let left = until.saturating_sub(now());
        if left <= 0 {
            break;
        }
        left_alone = closed(line, signals, if until == i64::MAX { -1 } else { left });
        if left_alone {
            break;
        }
    }
    if matches!(kill_all(plan.containment, command, status.is_some(), signals), Left::Nothing) {
        let alone = plan.network == Network::Alone && plan.containment.has_network();
        line::tell_empty(words, alone && network::is_empty());
    }
    if left_alone {
        clear(plan);
    }
    // SAFETY: ends this process without running anything of the program it was copied from.
    unsafe { libc::_exit(0) }
}

/// Takes away the folders that stood for the command alone: whoever made them may have been killed. One that another
/// command still needs is locked, and one that is somebody's is not empty.
fn clear(plan: &Plan) {
    for folder in &plan.placeholders {
        // SAFETY: the path ends in NUL and lives through the calls; the descriptor is ours.
        unsafe {
            if matches!(plan.containment, Containment::Namespaces { .. }) {
                // In this process's own view a mount stands over it.
                libc::umount2(folder.as_ptr(), libc::MNT_DETACH);
            }
            let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
            let held = libc::open(folder.as_ptr(), flags);
            // Of a Bottega that dies the line may close a moment before the lock.
            for _ in 0..if held < 0 { 0 } else { UNLOCKING } {
                if libc::flock(held, libc::LOCK_EX | libc::LOCK_NB) == 0 {
                    // Somebody may have taken it away and made another one meanwhile.
                    let (mut own, mut there) = (std::mem::zeroed(), std::mem::zeroed());
                    let seen = libc::fstat(held, &raw mut own) == 0
                        && libc::lstat(folder.as_ptr(), &raw mut there) == 0;
                    if seen && (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino) {
                        libc::rmdir(folder.as_ptr());
                    }
                    break;
                }
                libc::poll(std::ptr::null_mut(), 0, 5);
            }
        }
    }
}

enum Left {
    Nothing,
    Something,
}

/// Takes the statuses of all children that ended.
fn reap(command: libc::pid_t, status: &mut Option<i32>) -> Left {
    loop {
        let mut one = 0;
        // SAFETY: the status lives through the call.
        let pid = unsafe { libc::waitpid(-1, &raw mut one, libc::WNOHANG | libc::__WALL) };
        match pid {
            0 => return Left::Something,
            pid if pid == command => *status = Some(one),
            pid if pid > 0 => {}
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            _ => return Left::Nothing,
        }
    }
}

/// Waits for a child to end, for the time to pass, or for Bottega to close the line; true for the last.
fn closed(line: RawFd, signals: RawFd, milliseconds: i64) -> bool {
    let mut polled = [
        libc::pollfd { fd: line, events: libc::POLLIN | libc::POLLRDHUP, revents: 0 },
        libc::pollfd { fd: signals, events: libc::POLLIN, revents: 0 },
    ];
    let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
    // SAFETY: the array has as many entries as the call is told; what is read fits the buffer.
    unsafe {
        libc::poll(polled.as_mut_ptr(), 2, milliseconds);
        let mut drained = [0_u8; size_of::<libc::signalfd_siginfo>()];
        while libc::read(signals, drained.as_mut_ptr().cast(), drained.len()) > 0 {}
    }
    // Bottega never writes: whatever happens on the line is its end.
    polled[0].revents != 0
}

/// Kills everything that the command started and waits until it is gone: whatever it started is a child of this
/// process in the end, so that without children nothing is left.
fn kill_all(containment: Containment, command: libc::pid_t, ended: bool, signals: RawFd) -> Left {
    let until = now() + LAST_WAIT;
    let mut status = None;
    loop {
        let ended = ended || status.is_some();
        match containment {
            // SAFETY: takes numbers. Process 1 of a namespace reaches all of it, and nothing else.
            Containment::Namespaces { .. } => unsafe {
                libc::kill(-1, libc::SIGKILL);
            },
            Containment::Subreaper => {
                if !ended {
                    // SAFETY: takes numbers. The number is the command's as long as it is not reaped.
                    unsafe { libc::kill(-command, libc::SIGKILL) };
                }
                // One that makes processes faster than they die is stopped first: the stopped keep their
                // places, so that the limit on processes leaves it no room.
                descent::of_this_process(|process| {
                    // SAFETY: takes numbers. A process that ended meanwhile stays a zombie of this tree or
                    // of this process until it is reaped; its number names nobody else.
                    unsafe { libc::kill(process, libc::SIGSTOP) };
                });
                descent::of_this_process(|process| {
                    // SAFETY: as above.
                    unsafe { libc::kill(process, libc::SIGKILL) };
                });
            }
        }
        let left = reap(command, &mut status);
        if matches!(left, Left::Nothing) || now() >= until {
            return left;
        }
        wait_for_child(signals);
    }
}

fn wait_for_child(signals: RawFd) {
    let mut polled = libc::pollfd { fd: signals, events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, as the call is told; what is read fits the buffer.
    unsafe {
        libc::poll(&raw mut polled, 1, 20);
        let mut drained = [0_u8; size_of::<libc::signalfd_siginfo>()];
        while libc::read(signals, drained.as_mut_ptr().cast(), drained.len()) > 0 {}
    }
}

/// Milliseconds of the monotonic clock.
fn now() -> i64 {
    // SAFETY: the structure lives through the call, which can't fail for this clock.
    unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time);
        time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
    }
}
