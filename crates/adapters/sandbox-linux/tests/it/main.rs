//! The sandbox port against the real kernel.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod builds;
mod calls;
mod ending;
mod escapes;
mod files;
mod hosts;
mod ordinary;
mod output;
mod without_landlock;
mod world;
