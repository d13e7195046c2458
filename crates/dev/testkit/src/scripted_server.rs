//! A provider that says what its script says, over real HTTP.
//!
//! What it is: a server on a free port of this machine that speaks the five protocols of model providers,
//! streams the script's answers, fails where the script says so, and remembers every request.
//! What it is not: a server that keeps a conversation. What it answers follows from the request alone, so that
//! a client that was killed and came back gets the same answer for the same turn.
//!
//! One piece of work: a request arrives → [`Asked`] is what the script sees of it → the script chooses a
//! [`Serving`] → `wire` writes it in the protocol's own frames → `delivery` streams them and notes how the
//! stream ended.

mod asked;
mod delivery;
mod ledger;
mod saying;
mod serving;
mod wire;

pub use asked::{Asked, WireProtocol};
pub use ledger::Close;
pub use saying::Saying;
pub use serving::Serving;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::serve::ListenerExt;
use tokio::sync::oneshot;

use ledger::Ledger;

type Script = dyn Fn(&Asked) -> Serving + Send + Sync;

/// A provider that says what its script says, over real HTTP. It stops when it is dropped.
pub struct ScriptedServer {
    address: SocketAddr,
    ledger: Arc<Ledger>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a request needs to be served.
#[derive(Clone)]
struct Stage {
    script: Arc<Script>,
    ledger: Arc<Ledger>,
}

impl ScriptedServer {
    /// Starts a server whose every answer follows from its request.
    ///
    /// # Errors
    ///
    /// When no port or thread is to be had.
    pub fn start(script: impl Fn(&Asked) -> Serving + Send + Sync + 'static) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let ledger = Arc::new(Ledger::default());
        let stage = Stage { script: Arc::new(script), ledger: Arc::clone(&ledger) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread =
            std::thread::Builder::new().name("scripted-server".to_owned()).spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = serve(listener, stage) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self { address, ledger, stop: Some(stop), thread: Some(thread) })
    }

    /// Starts a server that gives the answer of the turn that a request is at: the first to a request that holds
    /// no answer yet. A request beyond the last is refused as invalid.
    ///
    /// # Errors
    ///
    /// When no port or thread is to be had.
    pub fn of_turns(turns: impl IntoIterator<Item = Saying>) -> io::Result<Self> {
        Self::of_turns_with(turns, [])
    }

    /// The same, but the requests of these numbers (from 0) are served otherwise.
    ///
    /// # Errors
    ///
    /// When no port or thread is to be had.
    pub fn of_turns_with(
        turns: impl IntoIterator<Item = Saying>,
        otherwise: impl IntoIterator<Item = (usize, Serving)>,
    ) -> io::Result<Self> {
        let turns: Vec<Saying> = turns.into_iter().collect();
        let otherwise: Vec<(usize, Serving)> = otherwise.into_iter().collect();
        Self::start(move |asked| {
            if let Some((_, serving)) = otherwise.iter().find(|(number, _)| *number == asked.number)
            {
                return serving.clone();
            }
            match turns.get(asked.turn) {
                Some(saying) => Serving::Answer(saying.clone()),
                None => Serving::Status { status: 400, headers: Vec::new() },
            }
        })
    }

    /// Where it listens: `127.0.0.1:PORT`.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a base URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The questions so far, the oldest first.
    #[must_use]
    pub fn asked(&self) -> Vec<Arc<Asked>> {
        self.ledger.asked()
    }

    /// How the stream of the question of this number ended; nothing while it is open.
    #[must_use]
    pub fn close(&self, number: usize) -> Option<Close> {
        self.ledger.close(number)
    }

    /// When the last byte of the answer to the question of this number was handed to the connection; nothing
    /// while its stream is open.
    #[must_use]
    pub fn ended(&self, number: usize) -> Option<Instant> {
        self.ledger.ended(number)
    }

    /// What else was asked for: method and path.
    #[must_use]
    pub fn other_requests(&self) -> Vec<String> {
        self.ledger.others()
    }

    /// Waits until so many questions have arrived. False when `patience` ended first.
    #[must_use]
    pub fn wait_for_questions(&self, count: usize, patience: Duration) -> bool {
        self.ledger.wait_until(patience, |book| book.asked.len() >= count)
    }

    /// Waits until the stream of the question of this number has ended, and says how. Nothing when `patience`
    /// ended first.
    #[must_use]
    pub fn wait_for_close(&self, number: usize, patience: Duration) -> Option<Close> {
        self.ledger.wait_until(patience, |book| book.closes.contains_key(&number));
        self.close(number)
    }
}

impl fmt::Debug for ScriptedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself.
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            // A panic of a script shows as a broken connection; there is nothing to add.
            thread.join().ok();
        }
    }
}

async fn serve(listener: std::net::TcpListener, stage: Stage) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    // What is sent in two pieces does not wait for an acknowledgement in between.
    let listener = listener.tap_io(|connection| {
        connection.set_nodelay(true).ok();
    });
    let router =
        Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(stage);
    axum::serve(listener, router).await.ok();
}

/// When a request's head had arrived: read before its body.
struct Arrived(Instant);

impl<S: Sync> FromRequestParts<S> for Arrived {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Instant::now()))
    }
}

async fn answer(
    Arrived(arrived): Arrived,
    State(stage): State<Stage>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    let Some(protocol) = WireProtocol::of_path(path).filter(|_| method == Method::POST) else {
        stage.ledger.note_other(format!("{method} {path}"));
        return match wire::listing(path) {
            Some(listing) => delivery::json(StatusCode::OK, &listing),
            None => delivery::json(
                StatusCode::NOT_FOUND,
                &serde_json::json!({ "error": { "message": format!("there is no {path}") } }),
            ),
        };
    };
    let asked =
        stage.ledger.note(|number| Asked::read(number, arrived, protocol, &uri, &headers, &body));
    let serving = (stage.script)(&asked);
    delivery::deliver(&stage.ledger, &asked, serving)
}

#[cfg(test)]
mod tests;
