//! The workspace port over real files.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod bytes;
mod changing;
mod commands;
mod finding;
mod links;
mod world;
mod writing;
