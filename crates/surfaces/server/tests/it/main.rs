//! The server over real HTTP, on a free port of this machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answered;
mod called;
mod crowded;
mod described;
mod encrypted;
mod followed;
mod peer;
mod refused;
mod remotely;
mod streamed;
mod world;
