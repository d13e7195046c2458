//! One connection of a command.

use std::io;
use std::net::SocketAddr;

use bottega_policy::egress::{HostRule, Refusal, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::options::Options;
use crate::reach::{Unreachable, addresses};
use crate::relay::{Meter, Relay};
use crate::request::{self, Asked, Unreadable};

/// What all connections of one command share.
pub(crate) struct Visit<'a> {
    pub(crate) options: &'a Options,
    pub(crate) hosts: &'a [HostRule],
    pub(crate) refused: &'a (dyn Fn(String) + Send + Sync),
    pub(crate) meter: Meter,
}

/// Why a client gets no connection: a status (RFC 9110, section 15) and words.
struct Answer {
    status: &'static str,
    words: String,
}

impl Answer {
    fn new(status: &'static str, words: impl Into<String>) -> Self {
        Self { status, words: words.into() }
    }

    fn bytes(&self) -> Vec<u8> {
        let words = format!("bottega: {}\n", self.words);
        format!(
            "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{words}",
            self.status,
            words.len(),
        )
        .into_bytes()
    }
}

impl Visit<'_> {
    /// Serves one connection to its end. What fails is the client's to see; there is nobody else to tell.
    pub(crate) async fn serve(&self, mut client: TcpStream) {
        let lasting = self.options.limits.lasting;
        let _ = timeout(lasting, async {
            if let Err(answer) = self.converse(&mut client).await {
                client.write_all(&answer.bytes()).await?;
                client.shutdown().await?;
            }
            io::Result::Ok(())
        })
        .await;
    }

    async fn converse(&self, client: &mut TcpStream) -> Result<(), Answer> {
        let limits = &self.options.limits;
        let (head, rest) = timeout(limits.head, read_head(client))
            .await
            .map_err(|_| Answer::new("408 Request Timeout", "the request did not come"))??;
        let asked = Asked::read(&head).map_err(|why| match why {
            Unreadable::Malformed(why) => Answer::new("400 Bad Request", why),
            Unreadable::Host(refusal) => self.refuse(&refusal),
        })?;
        match asked {
            Asked::Tunnel(target) => {
                let mut server = self.connect(&target).await?;
                let relay = Relay::new(&self.meter);
                let ((from_client, mut to_client), (from_server, mut to_server)) =
                    (client.split(), server.split());
                let welcome = b"HTTP/1.1 200 Connection established\r\n\r\n";
                let work = async {
                    relay.write(&mut to_client, welcome).await?;
                    relay.write(&mut to_server, &rest).await?;
                    tokio::try_join!(
                        relay.everything(from_client, to_server),
                        relay.everything(from_server, to_client),
                    )
                };
                self.until_silent(&relay, work).await;
            }
            Asked::Forward { target, head, mut body } => {
                let taken = body
                    .take(&rest)
                    .map_err(|_| Answer::new("400 Bad Request", "the body has another form"))?;
                let mut server = self.connect(&target).await?;
                let relay = Relay::new(&self.meter);
                let ((from_client, to_client), (from_server, mut to_server)) =
                    (client.split(), server.split());
                let work = async {
                    relay.write(&mut to_server, &head).await?;
                    relay.write(&mut to_server, &rest[..taken]).await?;
                    tokio::select! {
                        sent = relay.body(from_client, to_server, body) => sent,
                        answered = relay.everything(from_server, to_client) => answered,
                    }
                };
                self.until_silent(&relay, work).await;
            }
        }
        Ok(())
    }

    /// Does the work unless nothing moves any more. Whatever ends it, both sides see their connection close.
    async fn until_silent<T>(&self, relay: &Relay<'_>, work: impl Future<Output = io::Result<T>>) {
        tokio::select! {
            worked = work => {
                if worked.is_err_and(|error| error.kind() == io::ErrorKind::QuotaExceeded) {
                    (self.refused)(format!(
                        "a connection was cut: more than {} bytes",
                        self.options.limits.bytes
                    ));
                }
            }
            () = relay.silence(self.options.limits.idle) => {}
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Answer {
        (self.refused)(format!("refused: {refusal}"));
        Answer::new("403 Forbidden", refusal.to_string())
    }

    /// Connects to a target, if that is decided so: to an address that was decided about.
    async fn connect(&self, target: &Target) -> Result<TcpStream, Answer> {
        let Options { limits, screen, resolver } = self.options;
        let allowed = addresses(screen, &**resolver, limits.connect, self.hosts, target)
            .await
            .map_err(|why| match why {
                Unreachable::Refused(refusal) => self.refuse(&refusal),
                Unreachable::Unknown(error) => {
                    Answer::new("502 Bad Gateway", format!("{target}: {error}"))
                }
                Unreachable::Late => {
                    Answer::new("504 Gateway Timeout", format!("{target}: no answer"))
                }
            })?;
        let mut why = Answer::new("504 Gateway Timeout", format!("{target}: no answer"));
        for address in allowed {
            let address = SocketAddr::new(address, target.port);
            match timeout(limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(server)) => {
                    // Small pieces should not wait for larger ones; without it they only come later.
                    let _ = server.set_nodelay(true);
                    return Ok(server);
                }
                Ok(Err(error)) => {
                    why = Answer::new("502 Bad Gateway", format!("{target}: {error}"));
                }
                Err(_) => {}
            }
        }
        Err(why)
    }
}

/// The head of a request, and what was read behind it.
async fn read_head(client: &mut TcpStream) -> Result<(Vec<u8>, Vec<u8>), Answer> {
    let mut read = Vec::with_capacity(1 << 10);
    loop {
        if let Some(end) = request::end(&read) {
            let rest = read.split_off(end);
            return Ok((read, rest));
        }
        if read.len() > request::LONGEST {
            return Err(Answer::new("431 Request Header Fields Too Large", "the head is too long"));
        }
        match client.read_buf(&mut read).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(Answer::new("400 Bad Request", "the head is cut off")),
        }
    }
}
