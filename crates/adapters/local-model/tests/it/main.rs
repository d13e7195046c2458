//! The engine on a real, small model, and the library against servers of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do; clippy spares test functions only"
)]

mod engine;
mod library;
mod support;
