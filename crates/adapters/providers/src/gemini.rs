//! Gemini `streamGenerateContent`, version v1beta.
//!
//! Source: the provider's API reference (`models.streamGenerateContent`, thought signatures,
//! function calling, structured output), as of November 2026.
//!
//! Its proofs of reasoning belong to the part that follows them, a call or text; here they are
//! reasoning parts of their own, and on the way back each is set on the part after it.

mod events;
pub(crate) mod models;
mod request;
#[cfg(test)]
mod tests;

use bottega_llm::{Capabilities, ChatRequest, Message, ModelError};

use crate::dialect::{Decoder, Dialect, Elements, Head, Setting};

/// The dialect.
#[derive(Debug)]
pub(crate) struct Gemini;

/// Marks proofs of reasoning as this provider's, since others refuse them.
const SIGNED: &str = "gemini|";
/// Begins the names that are made up for calls which came without one.
const MADE_UP: &str = "gemini_";

impl Dialect for Gemini {
    fn path(&self, model: &str) -> (String, Option<(&'static str, &'static str)>) {
        // A tuned model says what it is (`tunedModels/…`).
        let model = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
        (format!("/v1beta/{model}:streamGenerateContent"), Some(("alt", "sse")))
    }

    fn list_path(&self) -> (&'static str, Option<(&'static str, &'static str)>) {
        ("/v1beta/models", Some(("pageSize", "1000")))
    }

    fn head(&self, request: &ChatRequest, _setting: Setting) -> Result<Head, ModelError> {
        request::head(request)
    }

    fn message(
        &self,
        message: &Message,
        model: &str,
        out: &mut Elements,
    ) -> Result<(), ModelError> {
        request::message(message, model, out)
    }

    fn decoder(&self, _asked: &str, nonce: u64) -> Box<dyn Decoder> {
        Box::new(events::Events::new(nonce))
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        models::capabilities(model)
    }
}
