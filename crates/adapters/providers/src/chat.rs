//! Chat Completions, as OpenAI and the many servers beside it offer them.
//!
//! Source: OpenAI's API reference (`POST /v1/chat/completions`, streaming), and where they go
//! beyond it those of OpenRouter, vLLM, llama.cpp's server, LM Studio, Groq, Mistral and DeepSeek,
//! as of November 2026.
//!
//! A request holds nothing that a plain server would stumble over, unless it was asked for. Left
//! out without an error: `top_k` at OpenAI itself, which refuses it.

mod events;
mod models;
mod request;
#[cfg(test)]
mod tests;

use bottega_llm::{Capabilities, ChatRequest, Message, ModelError};

use crate::dialect::{Decoder, Dialect, Elements, Head, Setting};

/// The dialect.
#[derive(Debug)]
pub(crate) struct Chat;

/// Marks reasoning with the field it came in; servers that know the field want it back there.
const FIELD: &str = "chat|";
/// Marks OpenRouter's list of reasoning details, which it wants back unchanged.
const DETAILS: &str = "chat-details|";

impl Dialect for Chat {
    fn path(&self, _model: &str) -> (String, Option<(&'static str, &'static str)>) {
        ("/chat/completions".to_owned(), None)
    }

    fn list_path(&self) -> (&'static str, Option<(&'static str, &'static str)>) {
        ("/models", None)
    }

    fn head(&self, request: &ChatRequest, setting: Setting) -> Result<Head, ModelError> {
        Ok(request::head(request, setting))
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
        models::capabilities(model)
    }
}
