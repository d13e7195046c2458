//! The server: where it listens, what it works with, when it ends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, State};
use axum::http::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodFilter, MethodRouter, on};
use bottega_actor::sleep;
use bottega_api::{ApiError, codes};
use bottega_client::Agents;
use bottega_types::{Clock, Entropy, Secret, SystemClock, SystemEntropy};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use crate::answer::{Asked, answer};
use crate::counts::Counts;
use crate::door::{self, Door};
use crate::endpoints::{self, Patience, Size, Verb};
use crate::guard::Guard;
use crate::identity::TlsFiles;
use crate::tls::Tls;
use crate::{grpc, listen};

/// What a server is made of.
pub struct Options {
    /// Address and port: `127.0.0.1:7437`. Port 0 is any free one. An address that other machines reach needs `tls`.
    pub listen: String,
    /// The certificate and the key that the server shows. Without them it speaks plain HTTP, to this machine alone.
    pub tls: Option<TlsFiles>,
    /// Names and addresses by which clients may address the server, beside those of this machine. Those of the
    /// certificate where there are none.
    pub hosts: Vec<String>,
    /// What lets clients in: 32 visible ASCII characters or more, drawn at random.
    pub token: Secret<String>,
    /// The agents that it is about.
    pub agents: Arc<dyn Agents>,
    /// How much it takes.
    pub limits: Limits,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// How much a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body at most.
    pub body: usize,
    /// Bytes of a body with a module at most.
    pub module_body: usize,
    /// How long a request may take.
    pub usual: Duration,
    /// How long a request may take that compiles a module, or waits for an answer.
    pub long: Duration,
    /// How long requests under way may take to end, once the server is to stop.
    pub drain: Duration,
    /// Requests under way at once; more are told to come again.
    pub at_once: usize,
    /// Requests with a module under way at once.
    pub modules_at_once: usize,
    /// Answers that go on (gRPC streams) at once.
    pub streams_at_once: usize,
    /// Answers about health that go on at once: anybody may ask for them.
    pub watches_at_once: usize,
    /// How long an answer that goes on waits before it looks for news.
    pub look: Duration,
    /// Wrong tokens a minute; further ones are told how long to wait.
    pub wrong_tokens: u32,
    /// Requests a second that have the token; further ones are told how long to wait. Zero is no bound.
    pub requests_per_second: u32,
    /// Connections open at once. A few more are taken in, to be told that there is no room, and how the server is.
    pub connections: usize,
    /// How long the handshake of TLS may take.
    pub handshake: Duration,
    /// How long the head of a request may take to come, and a connection may be open before its first one.
    pub head: Duration,
    /// How long a connection may be open while nothing is under way over it.
    pub idle: Duration,
    /// Requests under way at once over one connection of HTTP/2.
    pub streams_per_connection: u32,
    /// Bytes of all headers of a request of HTTP/2, as it counts them (RFC 9113, section 6.5.2).
    pub header_list: u32,
    /// How long an unfinished question to reflection may go without its next part.
    pub question: Duration,
    /// How often is looked whether the certificate's files changed.
    pub certificate_look: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 2 << 20,
            module_body: 64 << 20,
            usual: Duration::from_secs(60),
            long: Duration::from_secs(600),
            drain: Duration::from_secs(10),
            at_once: 256,
            modules_at_once: 4,
            streams_at_once: 256,
            watches_at_once: 16,
            look: Duration::from_millis(250),
            wrong_tokens: 10,
            requests_per_second: 0,
            connections: 1_024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(15),
            idle: Duration::from_secs(90),
            streams_per_connection: 128,
            header_list: 16 << 10,
            question: Duration::from_secs(60),
            certificate_look: Duration::from_secs(10),
        }
    }
}

impl Limits {
    pub(crate) const fn bytes(&self, size: Size) -> usize {
        match size {
            Size::Usual => self.body,
            Size::Module => self.module_body,
        }
    }

    pub(crate) const fn patience(&self, patience: Patience) -> Duration {
        match patience {
            Patience::Usual => self.usual,
            Patience::Long => self.long,
        }
    }
}

/// What every request works with.
pub(crate) struct Desk {
    pub(crate) agents: Arc<dyn Agents>,
    pub(crate) limits: Limits,
    pub(crate) guard: Guard,
    pub(crate) counts: Counts,
    pub(crate) entropy: Box<dyn Entropy>,
    pub(crate) at_once: Semaphore,
    pub(crate) modules_at_once: Semaphore,
    pub(crate) streams_at_once: Arc<Semaphore>,
    pub(crate) watches_at_once: Arc<Semaphore>,
    pub(crate) door: Door,
    pub(crate) tls: Option<Tls>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) since: Instant,
    /// Where it listens, as clients write it.
    pub(crate) url: String,
    /// Some message was acknowledged: whoever waits to tell of the next one looks again.
    pub(crate) acknowledged: Notify,
    stopping: watch::Sender<bool>,
}

impl Desk {
    /// Whether the server is to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Takes up a certificate that was replaced.
    pub(crate) fn look(&self) {
        if let Some(tls) = &self.tls {
            tls.look(self.clock.as_ref());
            if self.guard.follows_certificate() {
                self.guard.name(tls.names());
            }
        }
    }

    /// Ends when the server is to stop and what is under way has had nearly all of its time: enough is left to say so.
    pub(crate) async fn nearly_over(&self) {
        self.stopped().await;
        sleep(self.limits.drain.mul_f32(0.9)).await;
    }

    /// Ends when the server is to stop.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as this does, so only its word ends the wait.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}

/// A server that listens. It answers while [`run`](Self::run) is awaited.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    desk: Arc<Desk>,
    router: Router,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Begins to listen. Whoever connects from now on is answered once [`run`](Self::run) is awaited.
    ///
    /// # Errors
    /// When the address is in use, can be reached from other machines and there is no certificate, the certificate and
    /// its key can't be used, or the token could be guessed.
    pub async fn bind(options: Options) -> Result<Self, ApiError> {
        let Options { listen, tls, hosts, token, agents, limits } = options;
        let wanted = listen::parse(&listen, tls.is_some())?;
        let clock: Box<dyn Clock> = Box::new(SystemClock);
        let tls = tls.map(|files| Tls::read(files, clock.as_ref())).transpose()?;
        let mut guard = Guard::new(&token, limits.wrong_tokens, Duration::from_secs(60))?;
        guard.paced(limits.requests_per_second);
        guard.named(hosts, tls.as_ref().map(Tls::names));
        let refused = |error: std::io::Error| {
            ApiError::new(codes::NO_SERVER, format!("can't listen at {wanted}: {error}"))
                .step("end whoever listens there, or choose another port with `--listen`")
        };
        let listener = TcpListener::bind(wanted).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let url = match &tls {
            None => format!("http://{address}"),
            Some(_) => format!("https://{}", guard.address(address)),
        };
        let desk = Desk {
            door: Door::new(limits.connections),
            tls,
            clock,
            agents,
            limits,
            guard,
            counts: Counts::default(),
            entropy: Box::new(SystemEntropy),
            at_once: Semaphore::new(limits.at_once),
            modules_at_once: Semaphore::new(limits.modules_at_once),
            streams_at_once: Arc::new(Semaphore::new(limits.streams_at_once)),
            watches_at_once: Arc::new(Semaphore::new(limits.watches_at_once)),
            since: Instant::now(),
            url,
            acknowledged: Notify::new(),
            stopping: watch::Sender::new(false),
        };
        let desk = Arc::new(desk);
        let router = router(&desk)?;
        Ok(Self { listener, address, desk, router })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where this machine reaches it.
    #[must_use]
    pub fn socket(&self) -> Option<SocketAddr> {
        let mut socket = self.listener.local_addr().ok()?;
        match socket.ip() {
            IpAddr::V4(any) if any.is_unspecified() => socket.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(any) if any.is_unspecified() => socket.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        Some(socket)
    }

    /// Where it listens, as clients write it: `http://127.0.0.1:7437`, `https://home.example:7437`.
    #[must_use]
    pub fn url(&self) -> String {
        self.desk.url.clone()
    }

    /// Answers until `stop` ends. Then nobody new is taken in, and what is under way is given the span
    /// [`Limits::drain`] to end; what takes longer is dropped.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { listener, desk, router, .. } = self;
        let drain = desk.limits.drain;
        let too_long = async {
            stop.await;
            desk.stopping.send_replace(true);
            sleep(drain).await;
        };
        tokio::select! {
            () = door::keep(listener, Arc::clone(&desk), router) => {}
            () = too_long => {}
        }
    }
}

type Names = Result<RawPathParams, RawPathParamsRejection>;

/// Calls of gRPC, and everything else.
fn router(desk: &Arc<Desk>) -> Result<Router, ApiError> {
    let calls = grpc::routes(desk)?;
    let of_calls = Arc::clone(desk);
    let told_apart = from_fn(move |request: Request<Body>, next: Next| {
        let (desk, calls) = (Arc::clone(&of_calls), calls.clone());
        async move {
            if grpc::is_call(&request) {
                grpc::answer(desk, calls, request).await
            } else {
                next.run(request).await
            }
        }
    });
    Ok(rest(Arc::clone(desk)).layer(told_apart))
}

/// The table of endpoints, as axum finds them.
fn rest(desk: Arc<Desk>) -> Router {
    let mut paths: Vec<(&'static str, MethodRouter<Arc<Desk>>)> = Vec::new();
    for endpoint in endpoints::all() {
        let handler = move |State(desk): State<Arc<Desk>>, names: Names, request: Request<Body>| {
            // A path that is no UTF-8 leads nowhere.
            let asked = if names.is_ok() { Asked::Endpoint(endpoint) } else { Asked::NoPath };
            answer(desk, asked, names.map(|names| collected(&names)).unwrap_or_default(), request)
        };
        let filter = match endpoint.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Delete => MethodFilter::DELETE,
        };
        match paths.iter_mut().find(|(path, _)| *path == endpoint.path) {
            Some((_, methods)) => *methods = std::mem::take(methods).on(filter, handler),
            None => paths.push((endpoint.path, on(filter, handler))),
        }
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        let none = move |State(desk): State<Arc<Desk>>, request: Request<Body>| {
            answer(desk, Asked::NoMethod(path), Vec::new(), request)
        };
        router = router.route(path, methods.fallback(none));
    }
    let none = |State(desk): State<Arc<Desk>>, request: Request<Body>| {
        answer(desk, Asked::NoPath, Vec::new(), request)
    };
    router.fallback(none).with_state(desk)
}

fn collected(names: &RawPathParams) -> Vec<(String, String)> {
    names.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
