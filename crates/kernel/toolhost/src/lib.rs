//! The one way a tool is called.
//!
//! What it is: [`ToolHost`], through which every call goes, native, WASM or remote alike, and
//! [`SessionScope`], what one session may do and has seen, and the [`GrantBook`], what people allowed for longer.
//! What it is not: it has no rules of its own (`bottega-policy` judges), touches no file and starts no
//! process (tools do, through the ports they are given), and stores no event: it hands back the report
//! that the session stores.
//!
//! One call: `Asked` → `Prepared` (tool found, arguments read, needs known) → `Judged` → `Approved` →
//! `Ran` → [`ToolReport`](bottega_event::ToolReport). Each step takes only what the one before gave; a
//! call that stops on the way becomes a report at once.
//!
//! Invariants
//! * Nothing runs that was not judged, and what is judged is what runs.
//! * A call always ends in a report that the model can read; a panic of a tool is contained.
//! * Both versions of a changed file, and an output that is longer than its excerpt, are kept as blobs
//!   before the report is handed back.
//! * No known secret and no terminal control sequence is in a report, nor in what a person is asked.
//! * Text from an untrusted origin is marked before it is anywhere, and the session knows that it read it.
//! * A call reaches no host of the web that was not judged, wherever redirects lead.
//! * Dropping a call stops it, with all that it started.

mod approved;
mod arguments;
mod asked;
mod folders;
mod grants;
mod host;
mod jobs;
mod judged;
mod live;
mod questions;
mod ran;
mod reported;
mod schema;
mod scope;
mod stopped;
mod stopping;
mod untrusted;
mod visible;
mod web;

pub use grants::{GrantBook, GrantError, HeldGrant};
pub use host::{Options, Parts, ToolHost};
pub use schema::declarations;
pub use scope::SessionScope;

#[cfg(test)]
mod tests;
