//! The crate as the app uses it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what helps a test fails as a test does")]

mod ladder;
mod layers;
mod reference;
mod reports;
mod secrets;
mod world;
mod writing;
