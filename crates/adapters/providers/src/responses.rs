//! OpenAI Responses.
//!
//! Source: the provider's API reference (`POST /v1/responses` and its streaming events), as of
//! November 2026. Nothing is stored at the provider; reasoning travels encrypted with the messages.
//!
//! Left out without an error, since the provider has no place for it: `top_k`, `seed`, and all
//! sampling on reasoning models. Summaries of reasoning are not asked for: accounts that were not
//! verified would be refused for it.

mod events;
pub(crate) mod models;
mod request;
#[cfg(test)]
mod tests;

use bottega_llm::{Capabilities, ChatRequest, Message, ModelError};

pub(crate) use request::cache_key;

use crate::dialect::{Decoder, Dialect, Elements, Head, Setting};

/// The dialect.
#[derive(Debug)]
pub(crate) struct Responses;

/// Marks encrypted reasoning as this provider's, since others refuse it.
const ENCRYPTED: &str = "openai:";

impl Dialect for Responses {
    fn path(&self, _model: &str) -> (String, Option<(&'static str, &'static str)>) {
        ("/responses".to_owned(), None)
    }

    fn list_path(&self) -> (&'static str, Option<(&'static str, &'static str)>) {
        ("/models", None)
    }

    fn head(&self, request: &ChatRequest, _setting: Setting) -> Result<Head, ModelError> {
        request::head(request)
    }

    fn message(
        &self,
        message: &Message,
        _model: &str,
        out: &mut Elements,
    ) -> Result<(), ModelError> {
        request::message(message, out)
    }

    fn decoder(&self, _asked: &str, _nonce: u64) -> Box<dyn Decoder> {
        Box::<events::Events>::default()
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        models::capabilities(model)
    }
}
