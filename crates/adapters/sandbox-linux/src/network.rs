//! The loopback of a new network namespace, the door in it that leads to Bottega, and networks that are used again.
//!
//! To make a network costs the kernel more than all the rest of a cage. So one in which a command was alone is kept when
//! nothing is left in it, and lent to the next command: to one at a time, and never to one that was granted hosts. A
//! command can't change how a network is set up, so with its sockets all that it did there is gone.

#![expect(unsafe_code, reason = "sockets between fork and exec are made by bare system calls")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use crate::kernel::checked;

/// How many networks are kept: as many commands as usually run side by side.
const KEPT: usize = 4;

/// Networks in which nothing is left.
#[derive(Debug, Default)]
pub(crate) struct Networks(Mutex<Vec<Arc<OwnedFd>>>);

impl Networks {
    /// One of them, for one command.
    pub(crate) fn lend(&self) -> Option<Arc<OwnedFd>> {
        self.kept().pop()
    }

    /// Keeps one in which nothing is left.
    pub(crate) fn keep(&self, network: Arc<OwnedFd>) {
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(network);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Arc<OwnedFd>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network of a process that was just started, if it may be looked at.
pub(crate) fn of(process: libc::pid_t) -> Option<Arc<OwnedFd>> {
    std::fs::File::open(format!("/proc/{process}/ns/net")).ok().map(|file| Arc::new(file.into()))
}

/// Whether no socket is left in the network of this process, not even a connection that waits for late packets: its
/// port could not be taken by the next command. Makes system calls only.
pub(crate) fn is_empty() -> bool {
    let mut room = [0_u8; 512];
    // SAFETY: the path ends in NUL; the buffer is as long as the call is told; the descriptor is ours.
    let read = unsafe {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        let file = libc::open(c"/proc/net/sockstat".as_ptr(), flags);
        if file < 0 {
            return false;
        }
        let read = libc::read(file, room.as_mut_ptr().cast(), room.len());
        libc::close(file);
        read
    };
    usize::try_from(read).ok().and_then(|read| room.get(..read)).is_some_and(says_empty)
}

/// What `/proc/net/sockstat` says: sockets of every kind, and among TCP's figures those that wait (`tw`).
fn says_empty(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n');
    let unused = lines.next() == Some(b"sockets: used 0");
    let tcp = lines.find(|line| line.starts_with(b"TCP: "));
    let still = tcp.is_some_and(|line| line.windows(6).any(|part| part == b" tw 0 "));
    unused && still
}

/// Where a command finds the egress proxy in a network of its own. Nobody else is there, so the number is free.
pub(crate) const DOOR: u16 = 3128;

/// How many connections may wait at the door.
const WAITING: libc::c_int = 128;

/// Brings the loopback of a new network namespace up (`netdevice(7)`).
pub(crate) fn start_loopback() -> io::Result<()> {
    // SAFETY: the structure is zeroed, its name ends in NUL, and it lives through both calls; the union's
    // flags are what these two requests read and write; the descriptor is ours.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        checked(socket.into())?;
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
            *to = from.cast_signed() as libc::c_char;
        }
        let mut result = checked(libc::ioctl(socket, libc::SIOCGIFFLAGS, &raw mut request).into());
        if result.is_ok() {
            request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short;
            result = checked(libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request).into());
        }
        libc::close(socket);
        result.map(|_| ())
    }
}

/// A socket that listens at [`DOOR`] of this process' network. A socket stays in the network it was made in,
/// whoever holds it: Bottega accepts what comes here, and the command can reach nothing else.
pub(crate) fn open_door() -> io::Result<OwnedFd> {
    // SAFETY: the address is filled before use and as long as the call is told; the descriptor is ours.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        checked(socket.into())?;
        let socket_fd = socket;
        let socket = OwnedFd::from_raw_fd(socket);
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_port = DOOR.to_be();
        address.sin_addr.s_addr = u32::to_be(0x7f00_0001);
        let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        checked(libc::bind(socket_fd, (&raw const address).cast(), length).into())?;
        checked(libc::listen(socket_fd, WAITING).into())?;
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_empty_when_the_kernel_says_so_in_words_that_are_known() {
        let check = |empty: bool, text: &str| {
            assert_eq!(says_empty(text.as_bytes()), empty, "{text}");
        };
        let rest = "UDP: inuse 0 mem 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n";
        check(true, &format!("sockets: used 0\nTCP: inuse 0 orphan 1 tw 0 alloc 9 mem 1\n{rest}"));
        check(false, &format!("sockets: used 1\nTCP: inuse 0 orphan 0 tw 0 alloc 9 mem 1\n{rest}"));
        check(
            false,
            &format!("sockets: used 0\nTCP: inuse 0 orphan 0 tw 10 alloc 9 mem 1\n{rest}"),
        );
        check(false, "sockets: used 0\n");
        check(false, "");
    }
}
