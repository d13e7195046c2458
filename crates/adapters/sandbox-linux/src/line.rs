//! The line between a keeper and Bottega: short words, one of them with a descriptor.
//!
//! Only the keeper's side speaks. When one side is gone, the other one notices.

#![expect(
    unsafe_code,
    reason = "one side lives between fork and exec; the other passes descriptors"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::kernel::checked;

/// What a keeper says.
#[derive(Debug)]
pub(crate) enum Word {
    /// The main process ended with this wait status.
    Ended(i32),
    /// No process of the command is left; whether nothing is left in its network either. All that comes after it is
    /// the keeper's own end.
    Empty(bool),
    /// The program could not be started; the error's number.
    NotStarted(i32),
    /// A stage of the cage failed; the stage and the error's number.
    Failed(i32, i32),
    /// The command's way to the egress proxy listens here.
    Door(OwnedFd),
}

const ENDED: i32 = 1;
const NOT_STARTED: i32 = 2;
const FAILED: i32 = 3;
const DOOR: i32 = 4;
const EMPTY: i32 = 5;

/// Three numbers: what is said, and two that say it exactly.
type Letter = [i32; 3];

/// Both ends of a line. Words keep their bounds.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: the array has room for both descriptors, which are ours afterwards.
    unsafe {
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        checked(libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()).into())?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// The main process ended.
pub(crate) fn tell_ended(line: BorrowedFd<'_>, status: i32) {
    say(line, [ENDED, status, 0]);
}

/// No process of the command is left, and perhaps nothing in its network.
pub(crate) fn tell_empty(line: BorrowedFd<'_>, network_too: bool) {
    say(line, [EMPTY, network_too.into(), 0]);
}

/// The program could not be started.
pub(crate) fn tell_not_started(line: BorrowedFd<'_>, error: &io::Error) {
    say(line, [NOT_STARTED, error.raw_os_error().unwrap_or_default(), 0]);
}

/// A stage of the cage failed.
pub(crate) fn tell_failed(line: BorrowedFd<'_>, stage: i32, error: &io::Error) {
    say(line, [FAILED, stage, error.raw_os_error().unwrap_or_default()]);
}

fn say(line: BorrowedFd<'_>, letter: Letter) {
    // SAFETY: the buffer is as long as the call is told. Without a reader there is nobody to tell; the signal
    // that this would raise is asked not to come.
    unsafe {
        libc::send(
            line.as_raw_fd(),
            letter.as_ptr().cast(),
            size_of_val(&letter),
            libc::MSG_NOSIGNAL,
        )
    };
}

/// Room for one descriptor beside a word, aligned as the kernel wants it.
#[repr(C)]
union Beside {
    room: [u8; 64],
    _aligned: libc::cmsghdr,
}

/// Hands Bottega the socket at which the command asks for the network.
pub(crate) fn hand_door(line: BorrowedFd<'_>, door: BorrowedFd<'_>) -> io::Result<()> {
    let letter: Letter = [DOOR, 0, 0];
    // SAFETY: all structures live through the call and point at each other with their true lengths; the header
    // of the descriptor lies in a room that is large enough and aligned.
    unsafe {
        let mut beside = Beside { room: [0; 64] };
        let mut part = libc::iovec {
            iov_base: letter.as_ptr().cast_mut().cast(),
            iov_len: size_of_val(&letter),
        };
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut beside).cast();
        let length = size_of::<libc::c_int>() as u32;
        message.msg_controllen = libc::CMSG_SPACE(length) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(length) as _;
        libc::CMSG_DATA(header).cast::<libc::c_int>().write_unaligned(door.as_raw_fd());
        let sent = libc::sendmsg(line.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL);
        checked(i64::try_from(sent).unwrap_or(-1)).map(|_| ())
    }
}

/// The next word; `None` when the keeper is gone. With `flags` the call may be asked not to wait.
fn hear(line: BorrowedFd<'_>, flags: libc::c_int) -> io::Result<Option<Word>> {
    let mut letter: Letter = [0; 3];
    // SAFETY: as in `hand_door`; what is read of the room was written by the kernel.
    unsafe {
        let mut beside = MaybeUninit::<Beside>::zeroed();
        let mut part =
            libc::iovec { iov_base: letter.as_mut_ptr().cast(), iov_len: size_of_val(&letter) };
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = beside.as_mut_ptr().cast();
        message.msg_controllen = size_of::<Beside>() as _;
        let flags = flags | libc::MSG_CMSG_CLOEXEC;
        let read = libc::recvmsg(line.as_raw_fd(), &raw mut message, flags);
        if checked(i64::try_from(read).unwrap_or(-1))? == 0 {
            return Ok(None);
        }
        let [kind, first, second] = letter;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let word = match kind {
            ENDED => Word::Ended(first),
            EMPTY => Word::Empty(first != 0),
            NOT_STARTED => Word::NotStarted(first),
            FAILED => Word::Failed(first, second),
            DOOR if !header.is_null() && (*header).cmsg_type == libc::SCM_RIGHTS => {
                let door = libc::CMSG_DATA(header).cast::<libc::c_int>().read_unaligned();
                Word::Door(OwnedFd::from_raw_fd(door))
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        Ok(Some(word))
    }
}

/// Bottega's end of a line. Closing it has the keeper kill everything.
#[derive(Debug)]
pub(crate) struct Line(AsyncFd<OwnedFd>);

impl Line {
    /// Takes an end into the care of this runtime.
    pub(crate) fn new(end: OwnedFd) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` keeps its descriptor open and is the same as long as it lives.
        Ok(Self(unsafe { AsyncFd::register_with_interest(end, Interest::READABLE) }?))
    }

    /// The next word; `None` when the keeper is gone.
    pub(crate) async fn next(&self) -> io::Result<Option<Word>> {
        self.0
            .async_io(Interest::READABLE, |end| {
                hear(std::os::fd::AsFd::as_fd(end), libc::MSG_DONTWAIT)
            })
            .await
    }

    /// Has the keeper kill everything; it can still be heard.
    pub(crate) fn close(&self) {
        // SAFETY: the descriptor is ours.
        unsafe { libc::shutdown(self.0.get_ref().as_raw_fd(), libc::SHUT_WR) };
    }
}

/// Waits for the next word without a runtime.
pub(crate) fn hear_now(line: BorrowedFd<'_>) -> io::Result<Option<Word>> {
    hear(line, 0)
}
