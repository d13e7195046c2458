//! One line from a terminal, with a way to call the read back.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Typed;

/// Reads up to the next line end, or until the other end of `watch` closes: then nothing was read, and
/// [`Typed::Interrupt`] comes back.
///
/// It reads the descriptor itself: a buffered reader would swallow the lines after this one.
pub(super) fn read(input: &impl AsFd, watch: &impl AsFd) -> io::Result<Typed> {
    let input = input.as_fd();
    let mut line = Vec::new();
    loop {
        let mut ready = [
            PollFd::from_borrowed_fd(input, PollFlags::IN),
            PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !ready[1].revents().is_empty() {
            return Ok(Typed::Interrupt);
        }
        // One byte at a time, since what follows the line belongs to the next reader.
        let mut byte = [0];
        match rustix::io::read(input, &mut byte) {
            Ok(0) if line.is_empty() => return Ok(Typed::End),
            Ok(0) => return Ok(text(&line)),
            Ok(_) if byte[0] == b'\n' => return Ok(text(&line)),
            Ok(_) => line.push(byte[0]),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until nobody holds the other end of `input` any more, as when a terminal has gone, or until the other end
/// of `watch` closes. Says whether it was the first. What can be read stays unread.
pub(super) fn gone(input: &impl AsFd, watch: &impl AsFd) -> io::Result<bool> {
    loop {
        let mut ended = [
            // What ends is told without being asked for.
            PollFd::from_borrowed_fd(input.as_fd(), PollFlags::empty()),
            PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN),
        ];
        match poll(&mut ended, None) {
            Ok(_) if !ended[0].revents().is_empty() => return Ok(true),
            Ok(_) if !ended[1].revents().is_empty() => return Ok(false),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn text(line: &[u8]) -> Typed {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Typed::Text(String::from_utf8_lossy(line).into_owned())
}

/// Keeps a terminal from showing what is typed, until dropped.
pub(super) struct Quiet<T: AsFd> {
    terminal: T,
    before: Termios,
}

impl<T: AsFd> Quiet<T> {
    /// Nothing where `terminal` is none: then nothing is shown anyway.
    pub(super) fn over(terminal: T) -> Option<Self> {
        let before = tcgetattr(terminal.as_fd()).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(terminal.as_fd(), OptionalActions::Flush, &quiet).ok()?;
        Some(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for Quiet<T> {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(self.terminal.as_fd(), OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::write;
    use rustix::pipe::pipe;

    #[test]
    fn a_line_ends_at_its_end_and_the_next_one_stays() {
        let (input, typing) = pipe().unwrap();
        let (watch, _alive) = pipe().unwrap();
        write(&typing, b"yes\r\nno").unwrap();
        drop(typing);
        assert!(read(&input, &watch).unwrap() == Typed::Text("yes".into()));
        assert!(Quiet::over(&input).is_none(), "a pipe shows nothing");
        assert!(read(&input, &watch).unwrap() == Typed::Text("no".into()));
        assert!(read(&input, &watch).unwrap() == Typed::End);
    }

    #[test]
    fn an_end_is_seen_and_nothing_is_read() {
        let (input, typing) = pipe().unwrap();
        let (watch, alive) = pipe().unwrap();
        write(&typing, b"later").unwrap();
        drop(alive);
        assert!(!gone(&input, &watch).unwrap(), "it was called back");
        let (watch, _alive) = pipe().unwrap();
        drop(typing);
        assert!(gone(&input, &watch).unwrap());
        assert!(read(&input, &watch).unwrap() == Typed::Text("later".into()));
    }

    #[test]
    fn a_read_that_is_called_back_eats_nothing() {
        let (input, typing) = pipe().unwrap();
        let (watch, alive) = pipe().unwrap();
        drop(alive);
        write(&typing, b"later\n").unwrap();
        assert!(read(&input, &watch).unwrap() == Typed::Interrupt);
        let (watch, _alive) = pipe().unwrap();
        assert!(read(&input, &watch).unwrap() == Typed::Text("later".into()));
    }
}
