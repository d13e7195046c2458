//! The tools at work on real files and commands.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up has failed")]

mod edits;
mod git;
mod world;
