//! Granted hosts: a command reaches the egress proxy and nothing else.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use async_trait::async_trait;
use bottega_policy::egress::HostRule;
use bottega_tool::{Egress, Ending, SandboxError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

use crate::world::{BOTH, World};

/// Answers every line with the granted hosts, and says that it refused it.
#[derive(Debug)]
struct Parrot;

#[async_trait]
impl Egress for Parrot {
    async fn serve(
        &self,
        door: TcpListener,
        hosts: &[HostRule],
        refused: &(dyn Fn(String) + Send + Sync),
    ) {
        door.set_nonblocking(true).unwrap();
        let door = tokio::net::TcpListener::from_std(door).unwrap();
        loop {
            let mut client = tokio::io::BufStream::new(door.accept().await.unwrap().0);
            let mut line = String::new();
            client.read_line(&mut line).await.unwrap();
            refused(format!("refused: {}", line.trim()));
            client.write_all(format!("{hosts:?} {line}").as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a command gets its words by its environment")]
fn word(name: &str) -> String {
    std::env::var(name).unwrap()
}

#[test]
#[ignore = "runs inside the cage, started by another test"]
#[expect(unsafe_code, reason = "the calls are made bare, as an attacker would")]
fn inside() {
    for name in ["http_proxy", "HTTPS_PROXY", "all_proxy"] {
        let door = word(name);
        let mut proxy = TcpStream::connect(door.strip_prefix("http://").unwrap()).unwrap();
        proxy.write_all(b"hello\n").unwrap();
        let mut answer = String::new();
        BufReader::new(proxy).read_line(&mut answer).unwrap();
        assert!(answer.contains("example.org") && answer.ends_with("hello\n"), "{answer}");
    }
    // Around the proxy: somebody on this machine, somebody near it, somebody far away.
    let port = word("PORT");
    for host in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.0.2.1", "[::1]"] {
        TcpStream::connect(format!("{host}:{port}")).unwrap_err();
        let datagram = std::net::UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
            socket.connect(format!("{host}:{port}"))?;
            socket.send(b"x")?;
            socket.recv(&mut [0])
        });
        datagram.unwrap_err();
    }
    // A connection that is made by sending: it passes those who look at `connect` alone.
    // SAFETY: the address is filled before use and as long as the call is told.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_port = port.parse::<u16>().unwrap().to_be();
        address.sin_addr.s_addr = u32::to_be(0x7f00_0001);
        let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        let address = (&raw const address).cast();
        let flags = libc::MSG_FASTOPEN;
        assert!(libc::sendto(socket, b"x".as_ptr().cast(), 1, flags, address, length) < 0);
        // A stream that is none of TCP's.
        let other = libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP);
        assert!(other < 0 || libc::connect(other, address, length) < 0);
    }
}

#[test]
fn a_granted_host_is_reached_through_the_proxy_alone() {
    let program = std::env::current_exe().unwrap();
    for namespaces in BOTH {
        let world = World::with(|options| {
            options.namespaces = namespaces;
            options.readable.push(program.clone());
            options.egress = Some(Arc::new(Parrot));
        });
        let outside = TcpListener::bind("127.0.0.1:0").unwrap();
        outside.set_nonblocking(true).unwrap();
        let mut spec = world.sh("");
        spec.argv = [&*program.to_string_lossy(), "hosts::inside", "--exact", "--ignored"]
            .map(str::to_owned)
            .into();
        spec.hosts = vec!["example.org".parse().unwrap()];
        let port = outside.local_addr().unwrap().port().to_string();
        spec.environment.insert("PORT".to_owned(), port);
        let outcome = world.run(&spec);
        assert_eq!(outcome.ending, Ending::Exited(0), "{}", outcome.output);
        assert!(outcome.output.contains("1 passed"), "{}", outcome.output);
        // What was refused is told once.
        assert!(outcome.output.ends_with("[network: refused: hello]\n"), "{}", outcome.output);
        assert!(outside.accept().is_err(), "somebody got around the proxy");
    }
}

#[test]
fn without_a_proxy_no_host_is_reached() {
    let world = World::new(BOTH[0]);
    let mut spec = world.sh("true");
    spec.hosts = vec!["example.org".parse().unwrap()];
    let refused = world.try_run(&spec);
    assert!(matches!(refused, Err(SandboxError::Unavailable { .. })), "{refused:?}");
}

#[test]
fn without_hosts_there_is_no_proxy() {
    for namespaces in BOTH {
        let world = World::with(|options| {
            options.namespaces = namespaces;
            options.egress = Some(Arc::new(Parrot));
        });
        world.check("env | grep -i proxy; true", Ending::Exited(0), "");
    }
}
