//! Two servers, a resolver that says what it is told, and a proxy between them and a client.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bottega_egress::{EgressProxy, Limits, Options, Resolver};
use bottega_policy::egress::Screen;
use bottega_tool::Egress;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Stands for the public network.
pub(crate) const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Stands for this machine and everything near it.
pub(crate) const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers in the order they were given, the last one for ever; remembers who was asked for.
#[derive(Debug, Default)]
pub(crate) struct Told {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Told {
    pub(crate) fn new(answers: &[Vec<IpAddr>]) -> Self {
        Self { answers: Mutex::new(answers.iter().cloned().collect()), asked: Mutex::default() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolver for Told {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let last = answers.len() == 1;
        let answer = if last { answers.front().cloned() } else { answers.pop_front() };
        answer.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// What a server does with each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Serves {
    /// Reads until a line `end` and gives everything back.
    Echo,
    /// Reads a head, then answers with this.
    Answers(&'static str),
    /// Says this to whatever comes.
    Mumbles(&'static str),
    /// Says nothing.
    Silence,
}

pub(crate) struct World {
    pub(crate) limits: Limits,
    pub(crate) hosts: Vec<&'static str>,
    pub(crate) answers: Vec<Vec<IpAddr>>,
    pub(crate) serves: Serves,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Came {
    /// What each connection to the proxy heard.
    pub(crate) heard: Vec<String>,
    /// What the public server heard, per connection.
    pub(crate) public: Vec<String>,
    /// What the server inside heard, per connection.
    pub(crate) inside: Vec<String>,
    /// What the proxy told about refusals.
    pub(crate) refused: Vec<String>,
    /// The names that were looked up.
    pub(crate) asked: Vec<String>,
}

impl World {
    /// `example.org` is granted at any port of the servers and leads to the public one, which echoes.
    pub(crate) fn new() -> Self {
        Self {
            limits: Limits::default(),
            hosts: vec!["example.org:PORT", "127.0.0.1:PORT", "*.example.org"],
            answers: vec![vec![PUBLIC]],
            serves: Serves::Echo,
        }
    }

    /// Opens one connection after another to the proxy, writes a text into each and reads to its end. `PORT`
    /// stands for the port of both servers.
    pub(crate) fn connect(&self, texts: &[&str]) -> Came {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { tokio::time::timeout(PATIENCE, self.serve(texts)).await.unwrap() })
    }

    async fn serve(&self, texts: &[&str]) -> Came {
        let (public, inside) = servers().await;
        let port = public.local_addr().unwrap().port().to_string();
        let told = Arc::new(Told::new(&self.answers));
        let proxy = EgressProxy::new(Options {
            limits: self.limits,
            screen: Screen { also_public: vec![PUBLIC], ..Screen::default() },
            resolver: told.clone(),
        });
        let hosts: Vec<_> =
            self.hosts.iter().map(|host| host.replace("PORT", &port).parse().unwrap()).collect();
        let door = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = door.local_addr().unwrap();
        let (heard_public, heard_inside) = (Mutex::default(), Mutex::default());
        let refused = Mutex::new(Vec::new());
        let hear = |line| refused.lock().unwrap().push(line);
        let client = async {
            let mut heard = Vec::new();
            for text in texts {
                heard.push(ask(address, &text.replace("PORT", &port)).await);
            }
            heard
        };
        let heard = tokio::select! {
            heard = client => heard,
            () = async { proxy.serve(door, &hosts, &hear).await; std::future::pending().await } => {
                unreachable!()
            }
            () = self.play(&public, &heard_public) => unreachable!(),
            () = self.play(&inside, &heard_inside) => unreachable!(),
        };
        let replaced = |lines: Vec<String>| -> Vec<String> {
            lines.into_iter().map(|line| line.replace(&port, "PORT")).collect()
        };
        Came {
            heard: replaced(heard),
            public: replaced(heard_public.into_inner().unwrap()),
            inside: replaced(heard_inside.into_inner().unwrap()),
            refused: replaced(refused.into_inner().unwrap()),
            asked: told.asked(),
        }
    }

    /// Serves every connection of one server.
    pub(crate) async fn play(&self, server: &TcpListener, heard: &Mutex<Vec<String>>) {
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                client = server.accept() => {
                    let number = heard.lock().unwrap().len();
                    heard.lock().unwrap().push(String::new());
                    open.push(self.answer(client.unwrap().0, number, heard));
                }
                Some(()) = open.next(), if !open.is_empty() => {}
            }
        }
    }

    async fn answer(&self, mut client: TcpStream, number: usize, heard: &Mutex<Vec<String>>) {
        let mut buffer = [0; 4096];
        loop {
            let read = client.read(&mut buffer).await.unwrap_or_default();
            if read == 0 {
                return;
            }
            let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let all = {
                let mut heard = heard.lock().unwrap();
                heard[number].push_str(&text);
                heard[number].clone()
            };
            let answer = match self.serves {
                Serves::Echo if all.contains("end\n") => all,
                Serves::Answers(answer) if all.contains("\r\n\r\n") => {
                    answer.replace("PORT", &client.local_addr().unwrap().port().to_string())
                }
                Serves::Mumbles(answer) => answer.to_owned(),
                Serves::Echo | Serves::Answers(_) | Serves::Silence => continue,
            };
            // The client may have gone.
            let _ = client.write_all(answer.as_bytes()).await;
            let _ = client.shutdown().await;
            return;
        }
    }
}

/// Servers on two addresses and one port.
pub(crate) async fn servers() -> (TcpListener, TcpListener) {
    loop {
        let public = TcpListener::bind((PUBLIC, 0)).await.unwrap();
        let port = public.local_addr().unwrap().port();
        // Somebody else may have it there.
        if let Ok(inside) = TcpListener::bind((INSIDE, port)).await {
            return (public, inside);
        }
    }
}

/// Writes a text and reads to the end.
async fn ask(address: SocketAddr, text: &str) -> String {
    let Ok(mut proxy) = TcpStream::connect(address).await else {
        return "(closed)".to_owned();
    };
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    // A proxy that answers before it has read everything closes the connection under the writer.
    let _ = proxy.write_all(text.as_bytes()).await;
    while let Ok(read @ 1..) = proxy.read(&mut buffer).await {
        heard.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(heard).unwrap()
}
