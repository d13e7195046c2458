//! System calls that a caged command may not make, tried by this very test program inside the cage.

#![expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]

use bottega_tool::Ending;

use crate::world::{BOTH, World};

/// Each call with arguments that would work, or fail in another way, outside of the cage.
fn calls() -> Vec<(&'static str, libc::c_long)> {
    // SAFETY: each call takes numbers and null pointers; those that could succeed harm only this process.
    unsafe {
        vec![
            ("ptrace", libc::syscall(libc::SYS_ptrace, libc::PTRACE_TRACEME, 0, 0, 0)),
            ("mount", libc::syscall(libc::SYS_mount, 0, 0, 0, 0, 0)),
            ("umount2", libc::syscall(libc::SYS_umount2, 0, 0)),
            ("unshare user", libc::syscall(libc::SYS_unshare, libc::CLONE_NEWUSER)),
            ("unshare mount", libc::syscall(libc::SYS_unshare, libc::CLONE_NEWNS)),
            (
                "clone user",
                libc::syscall(libc::SYS_clone, libc::CLONE_NEWUSER | libc::SIGCHLD, 0, 0, 0, 0),
            ),
            ("setns", libc::syscall(libc::SYS_setns, -1, 0)),
            ("keyctl", libc::syscall(libc::SYS_keyctl, 0, 0, 0, 0, 0)),
            ("add_key", libc::syscall(libc::SYS_add_key, 0, 0, 0, 0, 0)),
            ("io_uring_setup", libc::syscall(libc::SYS_io_uring_setup, 1, 0)),
            ("bpf", libc::syscall(libc::SYS_bpf, 0, 0, 0)),
            ("perf_event_open", libc::syscall(libc::SYS_perf_event_open, 0, 0, 0, 0, 0)),
            ("kexec_load", libc::syscall(libc::SYS_kexec_load, 0, 0, 0, 0)),
            ("init_module", libc::syscall(libc::SYS_init_module, 0, 0, 0)),
            ("socket inet", libc::c_long::from(libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0))),
            (
                "socket inet6",
                libc::c_long::from(libc::socket(libc::AF_INET6, libc::SOCK_STREAM, 0)),
            ),
            (
                "socket netlink",
                libc::c_long::from(libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, 0)),
            ),
            ("socket packet", libc::c_long::from(libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0))),
            ("setuid", libc::c_long::from(libc::chroot(c"/".as_ptr()))),
        ]
        .into_iter()
        .collect()
    }
}

/// Run by hand it would find that some calls work; it is for the cage.
#[test]
#[ignore = "runs inside the cage, started by the next test"]
fn inside() {
    for (name, result) in calls() {
        assert_eq!(result, -1, "{name} is possible");
    }
    // SAFETY: numbers only.
    unsafe {
        let number = *libc::__errno_location();
        assert_eq!(number, libc::EPERM, "the last call failed for another reason");
        assert_eq!(libc::syscall(libc::SYS_clone3, 0, 0), -1);
        assert_eq!(*libc::__errno_location(), libc::ENOSYS);
        assert!(libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) >= 0, "local sockets are free");
        assert_eq!(libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
        #[cfg(target_arch = "x86_64")]
        assert_eq!(
            libc::syscall(0x4000_0000 | libc::SYS_getpid),
            -1,
            "the x32 interface is closed"
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let line = status.lines().find(|line| line.starts_with(set)).unwrap();
        // The bounding set of somebody who was never root can't be lowered, and gives nothing.
        if set != "CapBnd" || bounding_matters(&status) {
            assert!(line.ends_with("\t0000000000000000"), "{line}");
        }
    }
}

fn bounding_matters(status: &str) -> bool {
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

#[test]
fn dangerous_calls_are_refused() {
    for namespaces in BOTH {
        let program = std::env::current_exe().unwrap();
        let world = World::with(|options| {
            options.namespaces = namespaces;
            options.readable.push(program.clone());
        });
        let mut spec = world.sh("");
        spec.argv =
            [&*program.to_string_lossy(), "calls::inside", "--exact", "--ignored", "--nocapture"]
                .map(str::to_owned)
                .into();
        let outcome = world.run(&spec);
        assert_eq!(outcome.ending, Ending::Exited(0), "{}", outcome.output);
        assert!(outcome.output.contains("1 passed"), "{}", outcome.output);
    }
}
