//! Talking to language models, without naming any vendor.
//!
//! What it is: the chat request, the stream of events that answers it, the usage it cost, the errors
//! it may end in, and the ports [`ChatModel`] and [`ModelLibrary`].
//! What it is not: it opens no socket and loads no file; see `bottega-providers`,
//! `bottega-local-model`, and `bottega-gateway` for routes, retries, limits and budgets.
//!
//! One answer: [`ChatRequest`] → [`ChatModel::stream`] → [`StreamEvent`]s → [`Assembler`] → [`Answer`].
//!
//! Invariants
//! * A request is append-only from turn to turn: messages are shared (`Arc`) and never rewritten, so
//!   that a provider can serialise each once and a prefix cache can hit.
//! * Dropping an [`EventStream`] cancels the call and closes its connection.
//! * An [`Answer`] exists only when the stream ended with [`StreamEvent::Ended`]; a cut stream is an
//!   error, so no tool call of an incomplete answer can run.

mod answer;
mod error;
mod library;
mod message;
mod model;
mod request;
mod stream;
mod usage;

pub use answer::{Answer, Assembler, Stop};
pub use error::{ErrorKind, ModelError, Retry};
pub use library::{
    Hardware, LibraryError, LocalModel, ModelLibrary, PullProgress, PullStage, Recommendation,
};
pub use message::{Media, MediaSource, Message, Part, Role, ToolCall, ToolResult};
pub use model::{Capabilities, ChatModel, EventStream, ModelRef, NotAModelRef};
pub use request::{
    CacheHint, ChatRequest, Effort, OutputFormat, Sampling, ToolChoice, ToolDeclaration,
};
pub use stream::StreamEvent;
pub use usage::Usage;
