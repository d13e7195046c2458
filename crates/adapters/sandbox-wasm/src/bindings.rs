//! The worlds of `wit/guest.wit` as Rust, generated when the crate is built.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    reason = "generated; the words stand in wit/guest.wit"
)]

pub(crate) mod agent {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "agent",
        imports: {
            "bottega:guest/clock": trappable,
            "bottega:guest/log": trappable,
            "bottega:guest/random": trappable,
            "bottega:guest/model.remaining": trappable,
            default: async | trappable,
        },
        exports: { default: async },
    });
}

pub(crate) mod tool {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "tool",
        exports: { default: async },
        with: { "bottega:guest": super::agent::bottega::guest },
    });
}

pub(crate) use agent::bottega::guest;
