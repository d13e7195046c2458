//! What arrives while a model answers.

use bottega_types::Tokens;

use crate::{Stop, Usage};

/// One event of an answering model, in order of arrival.
///
/// A stream is: at most one [`Started`](Self::Started), deltas in any mixture, then exactly one
/// [`Ended`](Self::Ended), then nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// The provider took the request.
    Started {
        /// The model that answers, as the provider calls it; may differ from the one asked.
        model: String,
        /// The provider's name for this answer, for its support desk.
        response_id: Option<String>,
    },
    /// The embedded engine read this much of the prompt; remote providers don't say.
    PromptProgress {
        /// Tokens read so far, those found in the prefix cache included.
        done: Tokens,
        /// Tokens of the whole prompt.
        total: Tokens,
    },
    /// More answer text.
    Text(String),
    /// More readable reasoning.
    Reasoning(String),
    /// The proof that belongs to the reasoning just streamed; it closes that reasoning part.
    ReasoningSignature(String),
    /// A tool call begins.
    ToolCallStarted {
        /// Tells interleaved calls of one answer apart.
        index: u32,
        /// The provider's name for the call; made up by the adapter where the provider has none.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of a call's arguments: a piece of JSON text.
    ToolCallDelta {
        /// The call it belongs to.
        index: u32,
        /// The piece.
        arguments: String,
    },
    /// Usage so far; a later one replaces an earlier one.
    Usage(Usage),
    /// The answer is complete.
    Ended(Stop),
}
