//! The proxy against real servers on this machine: one address plays the public network, another the inside.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod bounds;
mod reaching;
mod sending;
mod web;
mod world;
