//! What is run inside the cage. Each test is started by another one, and fails if a way out is open.

mod files;
mod kernel;
mod limits;
mod processes;
mod sockets;

use std::ffi::CString;
use std::path::{Path, PathBuf};

#[expect(clippy::disallowed_methods, reason = "a command gets its words by its environment")]
fn word(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn out(name: &str) -> PathBuf {
    Path::new(&word("OUT")).join(name)
}

fn number(name: &str) -> libc::pid_t {
    word(name).parse().unwrap()
}

fn c(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}
