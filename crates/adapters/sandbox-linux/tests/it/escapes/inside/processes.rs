//! Other processes.

#![expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]

use std::fs::OpenOptions;

use super::{number, word};
use crate::escapes::Tries;

#[test]
#[ignore = "runs inside the cage"]
fn processes() {
    let mut tries = Tries::new();
    let (boss, victim) = (number("BOSS"), number("VICTIM"));
    // SAFETY: numbers and null pointers; what could succeed harms processes of the test alone.
    unsafe {
        let parent = libc::getppid();
        for (name, pid) in [("parent", parent), ("Bottega", boss), ("a stranger", victim)] {
            let pid_64 = libc::c_long::from(pid);
            for signal in [libc::SIGKILL, libc::SIGSTOP, libc::SIGTERM, libc::SIGCONT, 0] {
                if name != "parent" || word("SCOPED") == "yes" {
                    tries.call(format!("kill {name} {signal}"), libc::kill(pid, signal).into());
                    tries.call(
                        format!("tgkill {name}"),
                        libc::syscall(libc::SYS_tgkill, pid_64, pid_64, signal),
                    );
                    tries.call(format!("kill group of {name}"), libc::kill(-pid, signal).into());
                }
            }
            tries.call(format!("attach to {name}"), libc::ptrace(libc::PTRACE_ATTACH, pid, 0, 0));
            tries.call(format!("seize {name}"), libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0));
            let mut byte = 0_u8;
            let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
            tries.call(
                format!("read memory of {name}"),
                libc::process_vm_readv(pid, &raw const part, 1, &raw const part, 1, 0) as _,
            );
            tries.call(
                format!("write memory of {name}"),
                libc::process_vm_writev(pid, &raw const part, 1, &raw const part, 1, 0) as _,
            );
            let held = libc::syscall(libc::SYS_pidfd_open, pid_64, 0);
            if held >= 0 {
                tries.call(
                    format!("descriptor of {name}"),
                    libc::syscall(libc::SYS_pidfd_getfd, held, 0, 0),
                );
                if name != "parent" || word("SCOPED") == "yes" {
                    tries.call(
                        format!("signal {name} by descriptor"),
                        libc::syscall(libc::SYS_pidfd_send_signal, held, 0, 0, 0),
                    );
                }
                tries.call(
                    format!("namespaces of {name}"),
                    libc::syscall(libc::SYS_setns, held, libc::CLONE_NEWNS),
                );
            }
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            tries.call(
                format!("limits of {name}"),
                libc::prlimit(pid, libc::RLIMIT_CORE, &raw const none, std::ptr::null_mut()).into(),
            );
            tries.add(
                format!("oom of {name}"),
                OpenOptions::new().write(true).open(format!("/proc/{pid}/oom_score_adj")),
            );
        }
        tries.call("trace this one", libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0));
        tries.call("become root", libc::setuid(if libc::getuid() == 0 { 1 } else { 0 }).into());
        tries.call("raise a limit", {
            let more =
                libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const more).into()
        });
    }
    tries.all_refused();
}

#[test]
#[ignore = "runs inside the cage"]
fn shared_memory() {
    let key = number("SHARED");
    // SAFETY: numbers only; what is attached is not used.
    let found = unsafe { libc::shmget(key, 0, 0) };
    assert!(found < 0, "shared memory of another program");
    crate::escapes::done(1);
}

#[test]
#[ignore = "runs inside the cage"]
fn terminals() {
    let mut tries = Tries::new();
    tries.add(
        "the terminal of another program",
        OpenOptions::new().read(true).write(true).open(word("TERMINAL")),
    );
    tries.add("the terminal of this session", OpenOptions::new().write(true).open("/dev/tty"));
    tries.all_refused();
}
