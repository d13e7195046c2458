//! What the platform promises about sessions, in memory, with an agent that does what its task says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

mod histories;
mod keeping;
mod listeners;
mod models;
mod tools;
mod worker;
mod world;
