//! A model that says what its script says.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bottega_llm::{
    Capabilities, ChatModel, ChatRequest, ErrorKind, EventStream, ModelError, Stop, StreamEvent,
    Usage,
};
use bottega_types::Tokens;
use futures::{Stream, StreamExt};

/// What happens next while a scripted model answers.
#[derive(Clone, Debug)]
pub enum Beat {
    /// An event arrives.
    Event(StreamEvent),
    /// The stream breaks with this error, and ends.
    Break(ModelError),
    /// Nothing happens for so long, by the runtime's clock (which a test may have paused).
    Pause(Duration),
    /// Nothing happens ever again.
    Silence,
}

/// How a scripted model takes a request.
#[derive(Clone, Debug)]
pub enum Opening {
    /// At once.
    Taken,
    /// It refuses it.
    Refused(ModelError),
    /// It never says a word.
    Silent,
}

/// One answer of a scripted model.
#[derive(Clone, Debug)]
pub struct Script {
    /// How the request is taken.
    pub opening: Opening,
    /// What follows. The stream ends after the last, whether the answer is complete or not.
    pub beats: Vec<Beat>,
}

impl Script {
    /// A complete answer of plain text that used the given tokens.
    pub fn text(text: impl Into<String>, usage: Usage) -> Self {
        Self::events(vec![StreamEvent::Text(text.into())], usage, Stop::EndTurn)
    }

    /// A complete answer of a sentence and tool calls, each a name and JSON arguments. The calls get the
    /// ids `call_0`, `call_1`, …
    pub fn calls(text: &str, calls: &[(&str, &str)], usage: Usage) -> Self {
        let mut events = Vec::new();
        if !text.is_empty() {
            events.push(StreamEvent::Text(text.to_owned()));
        }
        for (index, (name, arguments)) in (0_u32..).zip(calls) {
            let id = format!("call_{index}");
            events.push(StreamEvent::ToolCallStarted { index, id, name: (*name).to_owned() });
            events.push(StreamEvent::ToolCallDelta { index, arguments: (*arguments).to_owned() });
        }
        Self::events(events, usage, Stop::ToolCalls)
    }

    /// A complete answer of these deltas.
    #[must_use]
    pub fn events(deltas: Vec<StreamEvent>, usage: Usage, stop: Stop) -> Self {
        let started = StreamEvent::Started { model: "scripted".to_owned(), response_id: None };
        let ends = [StreamEvent::Usage(usage), StreamEvent::Ended(stop)];
        let events = std::iter::once(started).chain(deltas).chain(ends);
        Self { opening: Opening::Taken, beats: events.map(Beat::Event).collect() }
    }

    /// A refusal before an answer begins.
    #[must_use]
    pub const fn refusal(error: ModelError) -> Self {
        Self { opening: Opening::Refused(error), beats: Vec::new() }
    }

    /// A request that is never answered.
    #[must_use]
    pub const fn silence() -> Self {
        Self { opening: Opening::Silent, beats: Vec::new() }
    }

    /// Exactly these beats, after the request was taken.
    #[must_use]
    pub const fn beats(beats: Vec<Beat>) -> Self {
        Self { opening: Opening::Taken, beats }
    }
}

/// A model that says what its script says, one [`Script`] a request, and remembers what it was asked.
///
/// A request after the last script is an [`ErrorKind::Internal`] error, so that a test that asks too often
/// fails.
pub struct ScriptedModel {
    capabilities: Capabilities,
    scripts: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<Arc<ChatRequest>>>,
    open: Arc<AtomicUsize>,
}

impl ScriptedModel {
    /// A model of 100,000 tokens that can do everything and is not small.
    #[must_use]
    pub fn new(scripts: impl IntoIterator<Item = Script>) -> Self {
        let capabilities = Capabilities {
            context_window: Tokens::new(100_000),
            max_output: Tokens::new(8_000),
            native_schema: true,
            tools: true,
            images: true,
            documents: true,
            small: false,
        };
        Self::with_capabilities(capabilities, scripts)
    }

    /// A model that can do so much.
    #[must_use]
    pub fn with_capabilities(
        capabilities: Capabilities,
        scripts: impl IntoIterator<Item = Script>,
    ) -> Self {
        Self {
            capabilities,
            scripts: Mutex::new(scripts.into_iter().collect()),
            requests: Mutex::default(),
            open: Arc::default(),
        }
    }

    /// Adds an answer after those that wait.
    pub fn then(&self, script: Script) {
        locked(&self.scripts).push_back(script);
    }

    /// What it was asked so far, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<ChatRequest>> {
        locked(&self.requests).clone()
    }

    /// Answers that nobody has asked for yet.
    #[must_use]
    pub fn unplayed(&self) -> usize {
        locked(&self.scripts).len()
    }

    /// Streams that are neither at their end nor dropped: the connections that a real provider would hold.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedModel").field("unplayed", &self.unplayed()).finish_non_exhaustive()
    }
}

#[async_trait]
impl ChatModel for ScriptedModel {
    fn capabilities(&self, _model: &str) -> Capabilities {
        self.capabilities
    }

    async fn stream(&self, request: Arc<ChatRequest>) -> Result<EventStream, ModelError> {
        let connection = Connection::open(&self.open);
        locked(&self.requests).push(request);
        let Some(script) = locked(&self.scripts).pop_front() else {
            return Err(ModelError::new(ErrorKind::Internal, "the script has no further answer"));
        };
        match script.opening {
            Opening::Taken => {}
            Opening::Refused(error) => return Err(error),
            Opening::Silent => return std::future::pending().await,
        }
        let beats = futures::stream::iter(script.beats).filter_map(|beat| async move {
            match beat {
                Beat::Event(event) => Some(Ok(event)),
                Beat::Break(error) => Some(Err(error)),
                Beat::Pause(span) => {
                    tokio::time::sleep(span).await;
                    None
                }
                Beat::Silence => std::future::pending().await,
            }
        });
        Ok(Connected { beats: beats.boxed(), connection: Some(connection) }.boxed())
    }
}

/// Counts as open until it is dropped.
struct Connection(Arc<AtomicUsize>);

impl Connection {
    fn open(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Beats over a connection, which closes at their end.
struct Connected {
    beats: EventStream,
    connection: Option<Connection>,
}

impl Stream for Connected {
    type Item = Result<StreamEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.beats.poll_next_unpin(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.connection = None;
        }
        next
    }
}

/// A panic elsewhere in a test does not make the script unreadable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Arc<ChatRequest> {
        Arc::new(ChatRequest::new("m", Vec::new()))
    }

    #[tokio::test]
    async fn it_plays_its_scripts_in_order_and_then_refuses() {
        let model = ScriptedModel::new([Script::text("one", Usage::default())]);
        model.then(Script::refusal(ModelError::new(ErrorKind::Overloaded, "busy")));

        let events: Vec<_> = model.stream(request()).await.unwrap().collect().await;
        assert!(
            events.iter().any(|event| *event == Ok(StreamEvent::Text("one".into()))),
            "{events:?}"
        );
        assert_eq!(events.last(), Some(&Ok(StreamEvent::Ended(Stop::EndTurn))));

        let refusals = [model.stream(request()).await.err(), model.stream(request()).await.err()];
        let kinds = refusals.map(|error| error.unwrap().kind);
        assert_eq!(kinds, [ErrorKind::Overloaded, ErrorKind::Internal]);
        assert_eq!((model.requests().len(), model.open_streams()), (3, 0));
    }

    #[tokio::test]
    async fn a_dropped_stream_is_closed() {
        let model = ScriptedModel::new([Script::beats(vec![Beat::Silence])]);
        let stream = model.stream(request()).await.unwrap();
        assert_eq!(model.open_streams(), 1);
        drop(stream);
        assert_eq!(model.open_streams(), 0);
    }
}
