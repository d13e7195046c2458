//! The agency from outside: what agents hear, what is stored, what survives.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where its world does")]

mod deploying;
mod living;
mod mail;
mod managed;
mod saying;
mod webhooks;
mod world;
