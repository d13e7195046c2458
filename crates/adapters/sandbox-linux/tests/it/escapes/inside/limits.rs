//! Too much of everything.

#![expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

use super::word;
use crate::escapes::Tries;

#[test]
#[ignore = "runs inside the cage"]
fn many_processes() {
    let most: usize = word("MOST").parse().unwrap();
    let mut children = Vec::new();
    // SAFETY: the children wait for a signal and nothing else.
    let error = unsafe {
        loop {
            match libc::fork() {
                0 => {
                    libc::pause();
                    libc::_exit(0);
                }
                child if child > 0 && children.len() < 2 * most => children.push(child),
                child if child > 0 => panic!("{} processes", children.len()),
                _ => break io::Error::last_os_error(),
            }
        }
    };
    // SAFETY: numbers only; each child is reaped once.
    unsafe {
        for child in &children {
            libc::kill(*child, libc::SIGKILL);
            libc::waitpid(*child, std::ptr::null_mut(), 0);
        }
    }
    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN));
    crate::escapes::done(children.len());
}

#[test]
#[ignore = "runs inside the cage"]
fn much_memory() {
    let bytes: usize = word("BYTES").parse().unwrap();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let mut tries = Tries::new();
    // SAFETY: a new mapping, wherever there is room; nothing is written to it.
    tries.call("memory", unsafe {
        libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) as libc::c_long
    });
    tries.all_refused();
}

#[test]
#[ignore = "runs inside the cage"]
fn a_large_file() {
    // SAFETY: sets how one signal is met.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let mut tries = Tries::new();
    let mut file = File::create("large").unwrap();
    file.write_all(&vec![0; 1 << 20]).unwrap();
    tries.add("one byte more", file.write_all(b"x"));
    tries.add("a hole", file.set_len(1 << 30));
    // SAFETY: numbers only.
    tries.call("room", unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, 1 << 30).into() });
    tries.all_refused();
}
