//! Looking, drawing and listening, until the person leaves.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bottega_api::{ApiError, codes};
use crossterm::event::{Event, EventStream};
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};
use ratatui::Terminal;
use ratatui::backend::Backend;

use crate::act::{Act, act};
use crate::draw::Ink;
use crate::view::{Look, View};

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A way to look at a server.
#[async_trait]
pub trait Source: Send + Sync {
    /// Looks at it. Dropping the future takes the look back.
    async fn look(&self) -> Result<Look, ApiError>;
}

/// How a view is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// The pause between two looks.
    pub interval: Duration,
    /// Whether there are colours.
    pub ink: Ink,
}

/// How a view was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The person left it.
    ByKey,
    /// The process is to stop.
    Stopped,
    /// The terminal has gone, or can't be read.
    Gone,
}

/// The keys that are pressed at the process's own terminal, and its new sizes.
pub fn keys() -> impl Stream<Item = io::Result<Event>> + Send + Unpin {
    EventStream::new()
}

/// Shows a server live on `terminal`, `first` what was seen already, then by further looks through `source`.
///
/// A server that can't be seen is told of and tried again. Returns when a key of `events` says so, `events` ends or
/// fails, or `stop` ends.
///
/// # Errors
/// When the terminal can't be drawn on.
pub async fn watch<B: Backend>(
    terminal: &mut Terminal<B>,
    first: Look,
    source: &dyn Source,
    how: How,
    mut events: impl Stream<Item = io::Result<Event>> + Unpin,
    stop: impl Future<Output = ()>,
) -> Result<Left, B::Error> {
    let mut view = View::new(first);
    let mut next = after(view.pause(how.interval), source);
    let mut stop = std::pin::pin!(stop);
    loop {
        terminal.draw(|frame| view.draw(frame, how.ink))?;
        tokio::select! {
            biased;
            () = &mut stop => return Ok(Left::Stopped),
            event = events.next() => match event.map(|event| event.map(|event| act(&event))) {
                Some(Ok(Some(Act::Leave))) => return Ok(Left::ByKey),
                Some(Ok(Some(wanted))) => view.apply(wanted),
                // Perhaps another size: drawing sees it.
                Some(Ok(None)) => {}
                Some(Err(_)) | None => return Ok(Left::Gone),
            },
            seen = &mut next => {
                view.saw(seen);
                next = after(view.pause(how.interval), source);
            }
        }
    }
}

/// A look after a pause.
fn after(pause: Duration, source: &dyn Source) -> BoxFuture<'_, Result<Look, ApiError>> {
    async move {
        bottega_actor::sleep(pause).await;
        let seen = bottega_actor::within(PATIENCE, source.look()).await;
        seen.unwrap_or_else(|| {
            let why = format!("the server is silent for {} s", PATIENCE.as_secs());
            Err(ApiError::new(codes::NO_SERVER, why))
        })
    }
    .boxed()
}
