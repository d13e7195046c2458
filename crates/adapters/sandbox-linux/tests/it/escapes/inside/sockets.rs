//! Other programs and the network.

#![expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};

use super::{out, word};
use crate::escapes::Tries;

#[test]
#[ignore = "runs inside the cage"]
fn sockets() {
    let mut tries = Tries::new();
    let abstract_name = SocketAddr::from_abstract_name(word("ABSTRACT")).unwrap();
    tries.add("abstract socket", UnixStream::connect_addr(&abstract_name));
    for name in ["outside/socket", "home/socket", "home/.ssh/socket"] {
        tries.add(format!("connect to {name}"), UnixStream::connect(out(name)));
    }
    let datagrams = UnixDatagram::unbound().and_then(|socket| {
        socket.send_to(b"x", out("outside/datagrams"))?;
        Ok(())
    });
    tries.add("send to outside/datagrams", datagrams);
    let port = word("PORT");
    for host in [
        "127.0.0.1",
        "[::1]",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "[fd00::1]",
    ] {
        tries.add(host, std::net::TcpStream::connect(format!("{host}:{port}")));
        let sent =
            std::net::UdpSocket::bind(if host.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" })
                .and_then(|socket| {
                    socket.connect(format!("{host}:{port}"))?;
                    socket.send(b"x")?;
                    // Nobody is there to hear it on the loopback: the answer says so.
                    socket.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
                    socket.recv(&mut [0]).map(|_| ())
                });
        tries.add(format!("datagram to {host}"), sent);
    }
    // SAFETY: numbers only.
    unsafe {
        for (name, family, kind, protocol) in [
            ("netlink", libc::AF_NETLINK, libc::SOCK_RAW, 0),
            ("packets", libc::AF_PACKET, libc::SOCK_RAW, 0),
            ("raw", libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
            ("vsock", libc::AF_VSOCK, libc::SOCK_STREAM, 0),
            ("bluetooth", libc::AF_BLUETOOTH, libc::SOCK_RAW, 0),
            ("crypto", libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
        ] {
            tries.call(name, libc::socket(family, kind, protocol).into());
        }
    }
    tries.all_refused();
}

/// Leaves a connection behind that waits for late packets.
#[test]
#[ignore = "runs inside the cage"]
fn a_connection_that_waits() {
    use std::io::Read;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    // The end that closes first waits.
    drop(far);
    assert_eq!(near.read(&mut [0]).unwrap(), 0);
    drop(near);
    let told = std::fs::read_to_string("/proc/net/sockstat").unwrap();
    assert!(told.contains(" tw 1 "), "{told}");
    Tries::new().all_refused();
}
