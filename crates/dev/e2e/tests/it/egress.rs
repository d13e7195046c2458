//! Granted hosts, tried from inside the cage through the real proxy: by redirect, by DNS rebinding, by odd
//! spellings of an address, and around the proxy.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_egress::{EgressProxy, Limits, Options, Resolver};
use bottega_policy::egress::Screen;
use bottega_sandbox_linux::{LinuxSandbox, Namespaces};
use bottega_tool::{CommandSink, CommandSpec, Ending, Sandbox, StreamName};

/// Stands for the public network.
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Public the first time a name is asked for, this machine ever after.
#[derive(Debug, Default)]
struct Rebound(Mutex<BTreeMap<String, usize>>);

#[async_trait]
impl Resolver for Rebound {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut asked = self.0.lock().unwrap();
        let times = asked.entry(name.to_owned()).or_default();
        *times += 1;
        let inside = name.starts_with("inside") || name.starts_with("rebound") && *times > 1;
        let address = match name {
            "metadata.google.internal" => Ipv4Addr::new(169, 254, 169, 254).into(),
            _ if inside => Ipv4Addr::LOCALHOST.into(),
            _ => PUBLIC,
        };
        Ok(vec![address])
    }
}

struct Deaf;

impl CommandSink for Deaf {
    fn output(&self, _: StreamName, _: &[u8]) {}
}

#[expect(clippy::disallowed_methods, reason = "a command gets its words by its environment")]
fn word(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// Asks the proxy for an address; the answer's head.
fn ask(url: &str) -> String {
    let proxy = word("http_proxy");
    let mut proxy = TcpStream::connect(proxy.strip_prefix("http://").unwrap()).unwrap();
    let ask = match url.strip_prefix("tunnel ") {
        Some(target) => format!("CONNECT {target} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        None => format!("GET {url} HTTP/1.1\r\nHost: granted.example.org\r\n\r\n"),
    };
    proxy.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    // A tunnel that is refused closes while the client still speaks.
    proxy.read_to_string(&mut answer).ok();
    answer
}

#[test]
#[ignore = "runs inside the cage, started by another test"]
fn inside() {
    let port = word("PORT");
    let granted = format!("granted.example.org:{port}");
    assert!(ask(&format!("http://{granted}/")).ends_with("PUBLIC"));
    assert!(ask(&format!("tunnel {granted}")).ends_with("PUBLIC"));

    // A redirect leads to this machine; following it is a new request.
    let moved = ask(&format!("http://{granted}/moved"));
    let to = moved.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
    assert!(ask(to).starts_with("HTTP/1.1 403 "), "{to}");

    // The first look is public, the second is not: each connection is decided anew.
    let rebound = format!("http://rebound.example.org:{port}/");
    assert!(ask(&rebound).ends_with("PUBLIC"));
    for _ in 0..3 {
        assert!(ask(&rebound).starts_with("HTTP/1.1 403 "));
    }
    for refused in [
        format!("http://inside.example.org:{port}/"),
        format!("tunnel inside.example.org:{port}"),
        format!("http://other.net:{port}/"),
        format!("http://granted.example.org.evil.net:{port}/"),
        format!("http://granted.example.org@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://0:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://localhost:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://192.168.0.1/".to_owned(),
        "http://metadata.google.internal/".to_owned(),
    ] {
        let answer = ask(&refused);
        assert!(answer.starts_with("HTTP/1.1 403 "), "{refused}: {answer}");
    }
    // Around the proxy nobody is reached.
    for host in ["127.0.0.1", "127.0.0.2", "10.0.0.1", "192.0.2.1"] {
        TcpStream::connect(format!("{host}:{port}")).unwrap_err();
    }
}

/// Serves until the test ends: the public server says so, and one of its pages leads inside.
fn serve(server: &TcpListener, page: &'static str) {
    let (server, port) = (server.try_clone().unwrap(), server.local_addr().unwrap().port());
    let work = move || {
        for client in server.incoming().map_while(Result::ok) {
            let (mut client, mut head) = (client, Vec::new());
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(client.read(&mut byte), Ok(1)) {
                head.extend_from_slice(&byte);
            }
            let moved = head.starts_with(b"GET /moved ");
            let head = if moved {
                format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/\r\n\r\n")
            } else {
                "HTTP/1.1 200 OK\r\n\r\n".to_owned()
            };
            client.write_all(format!("{head}{page}").as_bytes()).ok();
        }
    };
    std::thread::Builder::new().spawn(work).unwrap();
}

/// Both servers on one port, and the number of those who came to the one inside.
fn servers() -> (TcpListener, TcpListener) {
    loop {
        let public = TcpListener::bind((PUBLIC, 0)).unwrap();
        let port = public.local_addr().unwrap().port();
        if let Ok(inside) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return (public, inside);
        }
    }
}

fn sandbox(folder: &Path, namespaces: Namespaces) -> LinuxSandbox {
    let mut options = bottega_sandbox_linux::Options::new(folder.join("scratch"));
    options.environment.insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    options.readable.push(std::env::current_exe().unwrap());
    options.namespaces = namespaces;
    options.egress = Some(Arc::new(EgressProxy::new(Options {
        limits: Limits::default(),
        screen: Screen { also_public: vec![PUBLIC], ..Screen::default() },
        resolver: Arc::new(Rebound::default()),
    })));
    LinuxSandbox::new(options)
}

#[test]
fn only_granted_hosts_are_reached_and_nobody_inside() {
    for namespaces in [Namespaces::WhereAllowed, Namespaces::Never] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("w")).unwrap();
        let (public, inside) = servers();
        let port = public.local_addr().unwrap().port();
        serve(&public, "PUBLIC");
        inside.set_nonblocking(true).unwrap();
        let program = std::env::current_exe().unwrap();
        let spec = CommandSpec {
            argv: [&*program.to_string_lossy(), "egress::inside", "--exact", "--ignored"]
                .map(str::to_owned)
                .into(),
            directory: root.join("w"),
            writable: vec![root.join("w")],
            guarded: bottega_tool::Guarded::default(),
            environment: [("PORT".to_owned(), port.to_string())].into(),
            network: false,
            hosts: [format!("*.example.org:{port}"), format!("127.0.0.1:{port}"), "*".to_owned()]
                .map(|host| host.parse().unwrap())
                .into(),
            caged: true,
            timeout: Duration::from_secs(100),
            keep_output: 10_000,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(sandbox(&root, namespaces).run(&spec, &Deaf)).unwrap();
        assert_eq!(outcome.ending, Ending::Exited(0), "{}", outcome.output);
        assert!(outcome.output.contains("1 passed"), "{}", outcome.output);
        // The model learns what was refused, and why.
        assert!(
            outcome.output.contains("[network: refused: inside.example.org:"),
            "{}",
            outcome.output
        );
        assert!(inside.accept().is_err(), "somebody came inside");
    }
}
