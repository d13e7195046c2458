//! The port to a model provider.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_types::Tokens;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::{ChatRequest, ModelError, StreamEvent};

/// An answer as it arrives. Dropping it cancels the call and closes its connection.
pub type EventStream = BoxStream<'static, Result<StreamEvent, ModelError>>;

/// A provider of chat models.
///
/// Every implementation promises:
/// * one attempt: it never retries; the gateway does;
/// * order: events arrive as the provider sent them, and `Ended` comes last, exactly once;
/// * honesty: a stream that ends without `Ended` was cut, and yields `Err(CutOff)` or nothing more;
/// * cancellation: dropping the future or the stream closes the connection (or stops decoding);
/// * secrecy: no key ever appears in an error.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// What the named model can do, as far as this provider knows.
    fn capabilities(&self, model: &str) -> Capabilities;

    /// Asks once. Returns when the provider took the request; deltas follow in the stream.
    async fn stream(&self, request: Arc<ChatRequest>) -> Result<EventStream, ModelError>;

    /// Counts the prompt tokens of a request exactly, where that costs no call.
    fn count(&self, _request: &ChatRequest) -> Option<Tokens> {
        None
    }
}

/// What a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Tokens of prompt and answer together.
    pub context_window: Tokens,
    /// Tokens of one answer at most.
    pub max_output: Tokens,
    /// Whether the provider itself enforces an output schema.
    pub native_schema: bool,
    /// Whether it takes tool declarations.
    pub tools: bool,
    /// Whether it sees images.
    pub images: bool,
    /// Whether it reads documents.
    pub documents: bool,
    /// Whether it is small: short prompts, constrained calls and teaching errors suit it.
    pub small: bool,
}

/// A model and where it lives, written `provider/name` as in `anthropic/claude-sonnet-5`.
///
/// Only the first slash divides; names may hold more (`openrouter/qwen/qwen3-coder`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelRef {
    /// The provider's name in the settings.
    pub provider: String,
    /// The model's name at that provider.
    pub model: String,
}

/// Text that names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no model; write `PROVIDER/NAME`, as in `local/qwen2.5-coder-1.5b`")]
pub struct NotAModelRef(String);

impl FromStr for ModelRef {
    type Err = NotAModelRef;

    fn from_str(text: &str) -> Result<Self, NotAModelRef> {
        match text.split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self { provider: provider.to_owned(), model: model.to_owned() })
            }
            _ => Err(NotAModelRef(text.to_owned())),
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

impl TryFrom<String> for ModelRef {
    type Error = NotAModelRef;

    fn try_from(text: String) -> Result<Self, NotAModelRef> {
        text.parse()
    }
}

impl From<ModelRef> for String {
    fn from(model: ModelRef) -> Self {
        model.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_slash_divides() {
        let model: ModelRef = "openrouter/qwen/qwen3-coder".parse().unwrap();
        assert_eq!(
            (model.provider.as_str(), model.model.as_str()),
            ("openrouter", "qwen/qwen3-coder")
        );
        assert_eq!(model.to_string(), "openrouter/qwen/qwen3-coder");
    }

    #[test]
    fn half_a_name_is_refused() {
        for text in ["", "gpt", "/gpt", "openai/"] {
            assert!(text.parse::<ModelRef>().is_err(), "{text}");
        }
    }
}
