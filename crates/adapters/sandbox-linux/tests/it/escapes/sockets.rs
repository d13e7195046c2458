//! Sockets of other programs, and the network.

use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

use super::{try_out, world};
use crate::world::BOTH;

#[test]
fn nobody_outside_hears_a_command() {
    for namespaces in BOTH {
        let world = world(namespaces, |_| {});
        let name = format!("bottega-{}-{namespaces:?}", std::process::id());
        let hidden =
            UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let listeners = ["outside/socket", "home/socket", "home/.ssh/socket"]
            .map(|name| UnixListener::bind(world.path(name)).unwrap());
        let datagrams = UnixDatagram::bind(world.path("outside/datagrams")).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let udp = UdpSocket::bind(("127.0.0.1", port));
        try_out(&world, "sockets::sockets", &[("ABSTRACT", name), ("PORT", port.to_string())]);

        for listener in listeners.iter().chain([&hidden]) {
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_err());
        }
        tcp.set_nonblocking(true).unwrap();
        assert!(tcp.accept().is_err());
        datagrams.set_nonblocking(true).unwrap();
        assert!(datagrams.recv(&mut [0]).is_err());
        // Another test may have the number.
        if let Ok(udp) = udp {
            udp.set_nonblocking(true).unwrap();
            assert!(udp.recv(&mut [0]).is_err());
        }
    }
}
