//! Actors and supervisors from outside, on a clock that stands still. What the crate promises is tested here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks for")]

mod actors;
mod asking;
mod model;
mod rig;
mod supervision;
mod threads;
mod watching;
