//! The gateway against scripted models, on a clock that is paused: nothing here waits for real.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on says where")]

mod budget;
mod desk;
mod fallback;
mod form;
mod limits;
mod questions;
