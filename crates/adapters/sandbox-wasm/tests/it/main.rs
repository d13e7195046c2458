//! Guests written as text, built in process, held to their manifests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cache;
mod calls;
mod capabilities;
#[cfg(feature = "extism")]
mod extism;
mod files;
mod limits;
mod loading;
mod malformed;
mod many;
mod rehearsal;
mod resident;
mod sample_host;
mod text_guest;
mod toolbox;
mod upgrade;
mod worlds;
