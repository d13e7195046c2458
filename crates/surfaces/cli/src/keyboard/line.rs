//! One line from a terminal, with a way to call the read back.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Typed;

/// Whether the terminal shows what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    Shown,
    Hidden,
}

/// Reads up to the next line end, or until the other end of `watch` closes: then nothing was read, and
/// [`Typed::Interrupt`] comes back.
///
/// It reads the descriptor itself: a buffered reader would swallow the lines after this one.
pub(super) fn read(input: &impl AsFd, watch: &impl AsFd, echo: Echo) -> io::Result<Typed> {
    let input = input.as_fd();
    let _quiet = match echo {
        Echo::Shown => None,
        Echo::Hidden => Quiet::over(input),
    };
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

fn text(line: &[u8]) -> Typed {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Typed::Text(String::from_utf8_lossy(line).into_owned())
}

/// Keeps a terminal from showing what is typed, until dropped.
struct Quiet<'t> {
    terminal: BorrowedFd<'t>,
    before: Termios,
}

impl<'t> Quiet<'t> {
    /// Nothing where `input` is no terminal: then nothing is shown anyway.
    fn over(input: BorrowedFd<'t>) -> Option<Self> {
        let before = tcgetattr(input).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        quiet.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(input, OptionalActions::Flush, &quiet).ok()?;
        Some(Self { terminal: input, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
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
        assert!(read(&input, &watch, Echo::Shown).unwrap() == Typed::Text("yes".into()));
        assert!(read(&input, &watch, Echo::Hidden).unwrap() == Typed::Text("no".into()));
        assert!(read(&input, &watch, Echo::Shown).unwrap() == Typed::End);
    }

    #[test]
    fn a_read_that_is_called_back_eats_nothing() {
        let (input, typing) = pipe().unwrap();
        let (watch, alive) = pipe().unwrap();
        drop(alive);
        write(&typing, b"later\n").unwrap();
        assert!(read(&input, &watch, Echo::Shown).unwrap() == Typed::Interrupt);
        let (watch, _alive) = pipe().unwrap();
        assert!(read(&input, &watch, Echo::Shown).unwrap() == Typed::Text("later".into()));
    }
}
