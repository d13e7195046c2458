//! Other processes and the kernel itself.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use super::{has, try_out, world};
use crate::world::BOTH;

/// A process outside, as the user may have many.
struct Victim(Child);

impl Victim {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn other_processes_are_out_of_reach() {
    for namespaces in BOTH {
        let world = world(namespaces, |_| {});
        let mut victim = Victim::new();
        let scoped = if has(&world, "signals") { "yes" } else { "no" };
        if has(&world, "other processes are invisible") || scoped == "yes" {
            try_out(
                &world,
                "processes::processes",
                &[
                    ("BOSS", std::process::id().to_string()),
                    ("VICTIM", victim.0.id().to_string()),
                    ("SCOPED", scoped.to_owned()),
                ],
            );
        }
        assert_eq!(victim.0.try_wait().unwrap(), None);
    }
}

#[test]
fn the_kernel_is_out_of_reach() {
    for namespaces in BOTH {
        let world = world(namespaces, |_| {});
        try_out(&world, "kernel::namespaces_and_mounts", &[]);
        try_out(&world, "kernel::calls", &[]);
    }
}

#[test]
#[expect(unsafe_code, reason = "a terminal has no safe form here")]
fn terminals_of_others_are_out_of_reach() {
    // SAFETY: the buffer is as long as the call is told; the descriptor is ours.
    let (_terminal, name) = unsafe {
        let terminal = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY);
        if terminal < 0 {
            // This machine lets nobody have one.
            return;
        }
        let terminal = OwnedFd::from_raw_fd(terminal);
        libc::grantpt(terminal.as_raw_fd());
        libc::unlockpt(terminal.as_raw_fd());
        let mut name = [0; 64];
        assert_eq!(libc::ptsname_r(terminal.as_raw_fd(), name.as_mut_ptr(), name.len()), 0);
        (terminal, std::ffi::CStr::from_ptr(name.as_ptr()).to_str().unwrap().to_owned())
    };
    for namespaces in BOTH {
        try_out(&world(namespaces, |_| {}), "processes::terminals", &[("TERMINAL", name.clone())]);
    }
}

#[test]
#[expect(unsafe_code, reason = "shared memory has no safe form")]
fn shared_memory_of_others_is_out_of_reach() {
    let key = 0x1000_0000 + i32::try_from(std::process::id()).unwrap();
    // SAFETY: numbers only; the segment is removed below.
    let segment = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | 0o600) };
    assert!(segment >= 0);
    for namespaces in BOTH {
        try_out(
            &world(namespaces, |_| {}),
            "processes::shared_memory",
            &[("SHARED", key.to_string())],
        );
    }
    // SAFETY: the segment is ours.
    unsafe { libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) };
}
