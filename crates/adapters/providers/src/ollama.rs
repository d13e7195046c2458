//! Ollama `/api/chat`.
//!
//! Source: the project's API reference and its pages on tools, thinking and structured output, as
//! of November 2026.
//!
//! The server cuts a prompt that is longer than its window without a word, and its own window is
//! small; so each call names the window that [`capabilities`](Dialect::capabilities) promises.

mod events;
mod request;
#[cfg(test)]
mod tests;

use bottega_llm::{Capabilities, ChatRequest, Message, ModelError};

use crate::capabilities::{Family, Sight, names_a_small_size};
use crate::dialect::{Decoder, Dialect, Elements, Head, Setting};
use crate::framing::Framing;

/// The dialect.
#[derive(Debug)]
pub(crate) struct Ollama;

/// What is believed of every model until the settings say more: a window that fits the memory of a
/// common machine. The server enforces schemas itself, whatever the model.
const COMMON: Family<()> =
    Family { prefix: "", window: 16_384, output: 4_096, sight: Sight::Text, manner: () };

impl Dialect for Ollama {
    fn path(&self, _model: &str) -> (String, Option<(&'static str, &'static str)>) {
        ("/api/chat".to_owned(), None)
    }

    fn list_path(&self) -> (&'static str, Option<(&'static str, &'static str)>) {
        ("/api/tags", None)
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn head(&self, request: &ChatRequest, setting: Setting) -> Result<Head, ModelError> {
        request::head(request, setting)
    }

    fn message(
        &self,
        message: &Message,
        _model: &str,
        out: &mut Elements,
    ) -> Result<(), ModelError> {
        request::message(message, out)
    }

    fn decoder(&self, _asked: &str, nonce: u64) -> Box<dyn Decoder> {
        Box::new(events::Events::new(nonce))
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        Capabilities { small: names_a_small_size(model), ..COMMON.capabilities(true) }
    }
}
