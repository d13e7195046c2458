//! The loopback of a new network namespace, and the door in it that leads to Bottega.

#![expect(unsafe_code, reason = "sockets between fork and exec are made by bare system calls")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::kernel::checked;

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
