//! One attempt at one model: the stream, its deadlines, and whether it began.

use std::sync::Arc;
use std::time::Duration;

use bottega_llm::{
    Answer, Assembler, ChatModel, ChatRequest, ErrorKind, EventStream, ModelError, StreamEvent,
};
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use crate::ask::GatewayEvent;

/// How long is waited for more after the end of an answer, so that its connection can be used again.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes of answer that are taken for each token that was allowed; the longest tokens hold far fewer on
/// average. A provider that sends more ignores the limit that its price was reckoned with.
const BYTES_PER_TOKEN: u64 = 8;
/// What is taken beyond that, for the names of tools and the like.
const SLACK: u64 = 4_096;

/// How long a model may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until the first event of an answer, the connection included.
    pub first: Duration,
    /// Between two events.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_secs(300), idle: Duration::from_secs(300) }
    }
}

/// An attempt that gave no answer.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) error: ModelError,
    /// Whether the answer had begun: it may then have to be paid.
    pub(crate) began: bool,
}

/// An attempt that gave one.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// An upper bound of the answer's tokens, from its bytes.
    pub(crate) output_bound: bottega_types::Tokens,
    /// When the first piece of it came.
    pub(crate) first_at: Instant,
}

/// Asks once. The stream lives in this future: dropping it closes the connection.
pub(crate) async fn attempt(
    model: &dyn ChatModel,
    request: Arc<ChatRequest>,
    patience: Patience,
    until: Instant,
    on: &(dyn Fn(GatewayEvent) + Send + Sync),
) -> Result<Answered, Broken> {
    let most = u64::from(request.max_output.unwrap_or(u32::MAX)) * BYTES_PER_TOKEN + SLACK;
    let mut watch = Watch { patience, until, heard: false, answering: false };
    let mut stream = match watch.wait(model.stream(request)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) | Err(error) => return Err(watch.broken(error)),
    };
    let mut assembler = Assembler::default();
    let mut first_at = None;
    loop {
        let event = match watch.wait(stream.next()).await {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(error))) | Err(error) => return Err(watch.broken(error)),
            // Cut: the assembler has the words for it.
            Ok(None) => break,
        };
        watch.heard = true;
        if is_piece(&event) {
            watch.answering = true;
            first_at.get_or_insert_with(Instant::now);
        }
        let ended = matches!(event, StreamEvent::Ended(_));
        on(GatewayEvent::Stream(event.clone()));
        assembler.push(event).map_err(|error| watch.broken(error))?;
        if ended {
            say_goodbye(&mut stream, &mut assembler, on).await;
            break;
        }
        if assembler.output_bound().get() > most {
            return Err(watch.broken(ModelError::new(
                ErrorKind::Unsupported,
                format!("the model does not keep to its limit: more than {most} bytes arrived"),
            )));
        }
    }
    let output_bound = assembler.output_bound();
    let answer = assembler.finish().map_err(|error| watch.broken(error))?;
    Ok(Answered { answer, output_bound, first_at: first_at.unwrap_or_else(Instant::now) })
}

/// Reads what follows the end: the usage, where it comes late, and the end of the connection.
async fn say_goodbye(
    stream: &mut EventStream,
    assembler: &mut Assembler,
    on: &(dyn Fn(GatewayEvent) + Send + Sync),
) {
    let until = Instant::now() + FAREWELL;
    while let Ok(Some(Ok(event @ StreamEvent::Usage(_)))) = timeout_at(until, stream.next()).await {
        on(GatewayEvent::Stream(event.clone()));
        // Usage is taken at any time.
        let _ = assembler.push(event);
    }
}

/// Whether it is a piece of the answer, and not only a sign of life.
const fn is_piece(event: &StreamEvent) -> bool {
    match event {
        StreamEvent::Text(_)
        | StreamEvent::Reasoning(_)
        | StreamEvent::ReasoningSignature(_)
        | StreamEvent::ToolCallStarted { .. }
        | StreamEvent::ToolCallDelta { .. } => true,
        StreamEvent::Started { .. }
        | StreamEvent::PromptProgress { .. }
        | StreamEvent::Usage(_)
        | StreamEvent::Ended(_) => false,
    }
}

/// Ends every wait in time.
struct Watch {
    patience: Patience,
    until: Instant,
    /// Whether there was any sign of life.
    heard: bool,
    /// Whether there was any piece of an answer.
    answering: bool,
}

impl Watch {
    async fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, ModelError> {
        let silence = if self.heard { self.patience.idle } else { self.patience.first };
        let silent_at = Instant::now() + silence;
        timeout_at(silent_at.min(self.until), future).await.map_err(|_| {
            let message = if self.until <= silent_at {
                "the deadline of the whole call was reached".to_owned()
            } else if self.heard {
                format!("the stream was silent for {} s", silence.as_secs())
            } else {
                format!("nothing arrived for {} s", silence.as_secs())
            };
            ModelError::new(ErrorKind::Timeout, message)
        })
    }

    /// A provider that took the request and then refused it in so many words has not begun; one that fell silent,
    /// before its first word too, may have thought all the while, and one whose words can't be read said something.
    fn broken(&self, error: ModelError) -> Broken {
        let began = self.answering
            || match Fault::of(error.kind) {
                Fault::Refusal => false,
                Fault::Silence => true,
                Fault::Elsewhere => self.heard,
            };
        Broken { error, began }
    }
}

/// What an error says about the work that a provider may have done.
enum Fault {
    /// It said no.
    Refusal,
    /// It took the request, and gave no answer that could be read.
    Silence,
    /// The way to it, or this side.
    Elsewhere,
}

impl Fault {
    const fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::RateLimited
            | ErrorKind::Overloaded
            | ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::InvalidRequest
            | ErrorKind::ContextOverflow
            | ErrorKind::QuotaExhausted
            | ErrorKind::Unsupported => Self::Refusal,
            ErrorKind::Timeout | ErrorKind::CutOff | ErrorKind::Garbled => Self::Silence,
            ErrorKind::Network | ErrorKind::Budget | ErrorKind::Internal => Self::Elsewhere,
        }
    }
}
