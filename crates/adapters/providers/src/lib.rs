//! Chat models over HTTP, behind [`bottega_llm::ChatModel`].
//!
//! What it is: one adapter that speaks five wire protocols ([`Protocol`]), each a folder here that
//! says how a request is written, how its stream is read and what the known models can do; and the
//! table of services ([`PROVIDERS`]) that speak them.
//! What it is not: it never retries, counts no money and reads no environment; routes, budgets and
//! prices are the gateway's, keys and addresses come from settings by way of [`Options`].
//!
//! One question: [`Options`] → [`build`] → `ChatRequest` → a dialect writes the body, taking the
//! messages it wrote before from the transcript → bytes arrive → frames (server-sent events or
//! JSON lines) → the dialect's decoder → `StreamEvent`s.
//!
//! Invariants
//! * A message is serialised once per conversation; the next request starts with the same bytes.
//! * Framing and decoding are machines without hands: any split of the bytes gives the same events.
//! * Dropping the stream closes the connection; a stream without its last event is cut off.
//! * A key leaves the process in one header to the configured address only: redirects are refused,
//!   and every error message is cleaned of it.
//! * Plain HTTP to this machine loads no certificates and passes no proxy.

mod adapter;
mod anthropic;
mod capabilities;
mod chat;
mod client;
mod dialect;
mod endpoint;
mod failure;
#[cfg(test)]
mod fixture;
mod framing;
mod gemini;
mod listing;
mod media;
mod ollama;
mod options;
mod provider;
mod responses;
mod retry_after;
mod schema;
mod stream;
mod transcript;

pub use adapter::build;
pub use capabilities::CapabilityOverride;
pub use listing::{is_running, list_models};
pub use options::{BuildError, Options};
pub use provider::{KeyNeed, PROVIDERS, Protocol, Provider, provider};
