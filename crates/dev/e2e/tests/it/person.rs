//! A person before a terminal: what they type, what they see, and how they leave.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::live::PATIENCE;

/// A person before a terminal in which one `bottega` runs.
pub(crate) struct Person {
    /// Their side of the terminal.
    desk: OwnedFd,
    child: Child,
    seen: String,
    /// Up to where they have read.
    read: usize,
}

/// What a terminal is asked for the place of its cursor, and what it answers.
const WHERE: &str = "\u{1b}[6n";
const HERE: &[u8] = b"\x1b[1;1R";

impl Person {
    /// Opens a terminal of 80 columns and runs the command there, as a shell would.
    pub(crate) fn before(mut command: Command) -> Self {
        let desk = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&desk).unwrap();
        unlockpt(&desk).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&desk, size).unwrap();
        let name = ptsname(&desk, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let screen = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap();
        let screen = || Stdio::from(screen.try_clone().unwrap());
        command.env("TERM", "xterm-256color");
        let child = command.stdin(screen()).stdout(screen()).stderr(screen()).spawn().unwrap();
        Self { desk, child, seen: String::new(), read: 0 }
    }

    /// Waits until this stands on the screen, behind what was waited for before.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) {
        // A picture that always moves must not be waited at for ever.
        let end = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < end, "`{text}` does not come: {}", self.end_of_seen());
            if let Some(at) = self.seen[self.read..].find(text) {
                self.read += at + text.len();
                return;
            }
            assert!(self.looks(), "`{text}` is not to be seen: {}", self.end_of_seen());
        }
    }

    /// The last of what was to be seen.
    fn end_of_seen(&self) -> &str {
        &self.seen[self.seen.floor_char_boundary(self.seen.len().saturating_sub(4_000))..]
    }

    /// Reads what is new; false when there will be nothing more.
    #[track_caller]
    fn looks(&mut self) -> bool {
        assert!(ready(&self.desk), "nothing moves any more: {}", self.end_of_seen());
        let mut bytes = [0; 4_096];
        // A terminal that nobody holds any more answers with an error.
        let Ok(count @ 1..) = rustix::io::read(&self.desk, &mut bytes) else { return false };
        let fresh = String::from_utf8_lossy(&bytes[..count]).into_owned();
        for _ in fresh.matches(WHERE) {
            rustix::io::write(&self.desk, HERE).unwrap();
        }
        self.seen.push_str(&fresh);
        true
    }

    pub(crate) fn types(&self, text: &str) {
        rustix::io::write(&self.desk, text.as_bytes()).unwrap();
    }

    /// Somebody sends the command a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        // It may have ended.
        kill_process(Pid::from_child(&self.child), signal).ok();
    }

    /// Waits for the command's end, reading all the while. Returns the exit code, and all that was seen.
    #[track_caller]
    pub(crate) fn waits(mut self) -> (Option<i32>, String) {
        while self.looks() {}
        let status = self.child.wait().unwrap();
        (status.code(), std::mem::take(&mut self.seen))
    }

    /// Closes the terminal, as a closed window or a lost connection does. Returns the exit code, or 128 and the
    /// number of the signal that ended the command.
    #[track_caller]
    pub(crate) fn leaves(mut self) -> i32 {
        let process = Pid::from_child(&self.child);
        let process = pidfd_open(process, PidfdFlags::empty()).unwrap();
        let (other, _) = rustix::pipe::pipe().unwrap();
        drop(std::mem::replace(&mut self.desk, other));
        assert!(ready(&process), "it goes on without its terminal");
        let status = self.child.wait().unwrap();
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Whether something is to be read within the patience that everybody has.
fn ready(fd: impl AsFd) -> bool {
    let patience = Timespec { tv_sec: i64::try_from(PATIENCE.as_secs()).unwrap(), tv_nsec: 0 };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&patience)).unwrap() == 1
}
