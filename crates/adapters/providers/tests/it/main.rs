//! Calls over real HTTP, against servers on this machine that answer as providers do.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says where")]

mod answers;
mod failures;
mod listing;
mod secrecy;
mod server;
