//! The command line as people and scripts meet it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod chats;
mod guests;
mod pages;
mod runs;
mod tools;
mod views;
mod words;
mod world;
