//! Agents and tools for Bottega, in Rust, as WebAssembly.
//!
//! What it is: the traits [`Agent`] and [`Tool`], the macros [`agent!`] and [`tool!`] that put one of them behind the
//! worlds of `wit/guest.wit`, and the capabilities as functions ([`host`]). A capability that is not used is not
//! imported, and one that is imported must be granted in `bottega.toml`.
//! What it is not: a runtime. A guest has no threads, no sockets and no files but what its host grants.
//!
//! On the machine itself everything compiles too, so that `cargo test` tests an agent's own code; only calling a
//! capability panics there.

mod agent;
mod message;
mod tool;

/// The capabilities, one module each, and the glue of both worlds. Generated.
#[doc(hidden)]
#[allow(clippy::all, missing_docs)]
pub mod agent_world {
    wit_bindgen::generate!({
        path: "wit",
        world: "agent",
        pub_export_macro: true,
        default_bindings_module: "bottega_guest::agent_world",
    });
}

/// The same for tools.
#[doc(hidden)]
#[allow(clippy::all, missing_docs)]
pub mod tool_world {
    wit_bindgen::generate!({
        path: "wit",
        world: "tool",
        pub_export_macro: true,
        default_bindings_module: "bottega_guest::tool_world",
        with: {
            "bottega:guest/types@0.1.0": crate::agent_world::bottega::guest::types,
            "bottega:guest/send@0.1.0": crate::agent_world::bottega::guest::send,
            "bottega:guest/directory@0.1.0": crate::agent_world::bottega::guest::directory,
            "bottega:guest/key-value@0.1.0": crate::agent_world::bottega::guest::key_value,
            "bottega:guest/log@0.1.0": crate::agent_world::bottega::guest::log,
            "bottega:guest/clock@0.1.0": crate::agent_world::bottega::guest::clock,
            "bottega:guest/random@0.1.0": crate::agent_world::bottega::guest::random,
            "bottega:guest/http@0.1.0": crate::agent_world::bottega::guest::http,
            "bottega:guest/model@0.1.0": crate::agent_world::bottega::guest::model,
            "bottega:guest/tools@0.1.0": crate::agent_world::bottega::guest::tools,
            "bottega:guest/files@0.1.0": crate::agent_world::bottega::guest::files,
        },
    });
}

/// The capabilities: what a guest may ask its host for, each granted by name.
pub mod host {
    pub use crate::agent_world::bottega::guest::types::Refusal;
    pub use crate::agent_world::bottega::guest::{
        clock, directory, files, http, key_value, log, model, random, send, tools,
    };
}

pub use agent::{Agent, Seat};
pub use message::{Award, Message};
pub use tool::{Description, Tool};
