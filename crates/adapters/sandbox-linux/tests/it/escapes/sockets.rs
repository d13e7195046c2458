//! Sockets of other programs, and the network.

use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

use bottega_sandbox_linux::Namespaces;
use bottega_tool::Sandbox;

use super::{has, try_out, world};
use crate::world::{BOTH, Heard, wait};

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

/// Which network a command is in.
const NETWORK: &str = "readlink /proc/self/ns/net";

#[test]
fn a_network_is_lent_to_one_command_at_a_time_and_empty() {
    let world = world(Namespaces::WhereAllowed, |_| {});
    if !has(&world, "network: a loopback of its own") {
        return;
    }
    let network = || world.run(&world.sh(NETWORK)).output;
    // As an ordinary user each command has a user namespace, and its network is out of reach for the next.
    let report = world.sandbox.report();
    if report.features.iter().any(|(_, held)| held.as_deref() == Ok("by a PID namespace, as root"))
    {
        // One that is not given back in time is not waited for.
        assert!((0..50).any(|_| network() == network()));
    }
    // Two that run side by side: the first goes on when the second writes into the pipe.
    let made = std::process::Command::new("mkfifo").arg(world.path("w/go")).status().unwrap();
    assert!(made.success());
    let (reader, writer) =
        (world.sh(&format!("{NETWORK}; read x < go")), world.sh(&format!("{NETWORK}; echo > go")));
    let heard = Heard::default();
    let (one, other) = wait(async {
        tokio::join!(world.sandbox.run(&reader, &heard), world.sandbox.run(&writer, &heard))
    });
    let (one, other) = (one.unwrap().output, other.unwrap().output);
    assert!(one.starts_with("net:[") && one != other, "{one} {other}");
    // What waits holds its port: such a network is nobody's any more. There are as many as ran side by side.
    for _ in 0..3 {
        try_out(&world, "sockets::a_connection_that_waits", &[]);
        let told = world.run(&world.sh("cat /proc/net/sockstat")).output;
        assert!(told.starts_with("sockets: used 0\n") && told.contains(" tw 0 "), "{told}");
    }
}
