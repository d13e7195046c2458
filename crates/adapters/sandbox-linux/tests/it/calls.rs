//! System calls that a caged command may not make, tried by this very test program inside the cage.

#![expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]

use bottega_sandbox_linux::Namespaces;
use bottega_tool::{Ending, Sandbox};

use crate::world::{BOTH, World};

/// Each call with arguments that would work, or fail with another error, outside of the cage; and its error.
fn calls() -> Vec<(&'static str, i32)> {
    // SAFETY: each call takes numbers and null pointers; those that could succeed harm only this process.
    unsafe {
        vec![
            ("ptrace", error(libc::syscall(libc::SYS_ptrace, libc::PTRACE_TRACEME, 0, 0, 0))),
            (
                "process_vm_readv",
                error(libc::syscall(libc::SYS_process_vm_readv, 1, 0, 0, 0, 0, 0)),
            ),
            ("mount", error(libc::syscall(libc::SYS_mount, 0, 0, 0, 0, 0))),
            ("umount2", error(libc::syscall(libc::SYS_umount2, 0, 0))),
            ("unshare user", error(libc::syscall(libc::SYS_unshare, libc::CLONE_NEWUSER))),
            ("unshare mount", error(libc::syscall(libc::SYS_unshare, libc::CLONE_NEWNS))),
            (
                "clone user",
                error(libc::syscall(
                    libc::SYS_clone,
                    libc::CLONE_NEWUSER | libc::SIGCHLD,
                    0,
                    0,
                    0,
                    0,
                )),
            ),
            ("setns", error(libc::syscall(libc::SYS_setns, -1, 0))),
            ("keyctl", error(libc::syscall(libc::SYS_keyctl, 0, 0, 0, 0, 0))),
            ("add_key", error(libc::syscall(libc::SYS_add_key, 0, 0, 0, 0, 0))),
            ("io_uring_setup", error(libc::syscall(libc::SYS_io_uring_setup, 1, 0))),
            ("bpf", error(libc::syscall(libc::SYS_bpf, -1, 0, 0))),
            ("perf_event_open", error(libc::syscall(libc::SYS_perf_event_open, 0, 0, 0, 0, 0))),
            ("kexec_load", error(libc::syscall(libc::SYS_kexec_load, 0, 0, 0, 0))),
            ("init_module", error(libc::syscall(libc::SYS_init_module, 0, 0, 0))),
            ("open_by_handle_at", error(libc::syscall(libc::SYS_open_by_handle_at, -1, 0, 0))),
            ("chroot", error(libc::syscall(libc::SYS_chroot, 0))),
            (
                "socket netlink",
                error(libc::syscall(libc::SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, 0)),
            ),
            (
                "socket packet",
                error(libc::syscall(libc::SYS_socket, libc::AF_PACKET, libc::SOCK_RAW, 0)),
            ),
            (
                "socket vsock",
                error(libc::syscall(libc::SYS_socket, libc::AF_VSOCK, libc::SOCK_STREAM, 0)),
            ),
        ]
    }
}

fn error(result: libc::c_long) -> i32 {
    if result < 0 { std::io::Error::last_os_error().raw_os_error().unwrap() } else { 0 }
}

#[test]
#[ignore = "runs inside the cage, started by another test"]
fn inside() {
    for (name, error) in calls() {
        assert_eq!(error, libc::EPERM, "{name}");
    }
    // SAFETY: numbers only.
    unsafe {
        assert_eq!(error(libc::syscall(libc::SYS_clone3, 0, 0)), libc::ENOSYS);
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
#[ignore = "runs inside the cage, started by another test"]
fn inside_without_internet_sockets() {
    for family in [libc::AF_INET, libc::AF_INET6] {
        // SAFETY: numbers only.
        let error = error(unsafe { libc::syscall(libc::SYS_socket, family, libc::SOCK_DGRAM, 0) });
        assert_eq!(error, libc::EPERM);
    }
}

#[test]
#[ignore = "runs inside the cage, started by another test"]
fn inside_with_a_loopback() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::net::TcpStream::connect(address).unwrap();
    listener.accept().unwrap();
    let elsewhere = std::net::UdpSocket::bind("0.0.0.0:0").unwrap().connect("192.0.2.1:9");
    assert_eq!(elsewhere.unwrap_err().kind(), std::io::ErrorKind::NetworkUnreachable);
}

#[test]
#[ignore = "runs inside the cage, started by another test"]
fn inside_without_connections() {
    let path = std::env::temp_dir().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let error = std::os::unix::net::UnixStream::connect(&path).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    drop(listener);
    std::os::unix::net::UnixStream::pair().unwrap();
}

/// Runs one of the tests above in the cage.
#[track_caller]
fn check(namespaces: Namespaces, test: &str) {
    let program = std::env::current_exe().unwrap();
    let world = World::with(|options| {
        options.namespaces = namespaces;
        options.readable.push(program.clone());
    });
    let mut spec = world.sh("");
    spec.argv = [&*program.to_string_lossy(), test, "--exact", "--ignored", "--nocapture"]
        .map(str::to_owned)
        .into();
    let outcome = world.run(&spec);
    assert_eq!(outcome.ending, Ending::Exited(0), "{}", outcome.output);
    assert!(outcome.output.contains("1 passed"), "{}", outcome.output);
}

#[test]
fn dangerous_calls_are_refused() {
    for namespaces in BOTH {
        check(namespaces, "calls::inside");
    }
}

#[test]
fn without_the_network_there_is_a_private_loopback_or_no_socket() {
    check(Namespaces::Never, "calls::inside_without_internet_sockets");
    check(Namespaces::Never, "calls::inside_without_connections");
    let report = World::new(Namespaces::WhereAllowed).sandbox.report();
    let (_, state) = report.features.iter().find(|(name, _)| name.contains("loopback")).unwrap();
    let test =
        if state.is_ok() { "inside_with_a_loopback" } else { "inside_without_internet_sockets" };
    check(Namespaces::WhereAllowed, &format!("calls::{test}"));
}
