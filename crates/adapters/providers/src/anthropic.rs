//! Anthropic Messages, version 2023-06-01.
//!
//! Source: the provider's API reference (`POST /v1/messages`, streaming, prompt caching, extended
//! and adaptive thinking, structured outputs), as of November 2026.
//!
//! Left out without an error, since the provider has no place for it: `seed`; `top_p` beside a
//! temperature; all sampling on models that fix it and while a model thinks. A temperature above 1
//! is sent as 1. `JsonObject` is asked for in words.

mod events;
pub(crate) mod models;
mod request;
#[cfg(test)]
mod tests;

use bottega_llm::{Capabilities, ChatRequest, Message, ModelError};

use crate::dialect::{Decoder, Dialect, Elements, Head, Setting};

/// The dialect.
#[derive(Debug)]
pub(crate) struct Anthropic;

/// Marks a proof of reasoning, followed by the model it was asked of. The provider takes it back
/// for that model only, and other providers not at all.
const SIGNED: &str = "anthropic|";
/// Marks reasoning that the provider hides, likewise.
const REDACTED: &str = "anthropic-redacted|";

impl Dialect for Anthropic {
    fn path(&self, _model: &str) -> (String, Option<(&'static str, &'static str)>) {
        ("/v1/messages".to_owned(), None)
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn list_path(&self) -> (&'static str, Option<(&'static str, &'static str)>) {
        ("/v1/models", Some(("limit", "1000")))
    }

    fn head(&self, request: &ChatRequest, setting: Setting) -> Result<Head, ModelError> {
        request::head(request, setting)
    }

    fn message(
        &self,
        message: &Message,
        model: &str,
        out: &mut Elements,
    ) -> Result<(), ModelError> {
        request::message(message, model, out)
    }

    fn decoder(&self, asked: &str, _nonce: u64) -> Box<dyn Decoder> {
        Box::new(events::Events::new(asked))
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        models::capabilities(model)
    }
}
