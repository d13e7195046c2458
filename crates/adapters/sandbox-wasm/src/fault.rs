//! How an instance ended, and what a load or a start found wrong.

use std::fmt::Write as _;

use bottega_manifest::{Capability, Limits, Period, Size, World};
use wasmtime::{Trap, WasmBacktrace};

use crate::inside::Inside;

/// Frames of a trap that are told.
const FRAMES: usize = 6;

/// How an instance ended against its will. It is gone; its supervisor decides what follows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It did what WebAssembly forbids, or gave up by itself.
    #[error("the guest trapped: {why}")]
    Trapped {
        /// What it did, and where.
        why: String,
    },
    /// What it can't do without was refused, and its interface has no way to tell it so. Only plug-ins of Extism end so.
    #[error("the guest was refused what it asked for: {why}")]
    Refused {
        /// What was refused, and why.
        why: String,
    },
    /// Its calls went too deep.
    #[error("the guest's calls went too deep for its stack")]
    StackExhausted,
    /// `limits.fuel`.
    #[error("the guest used up its {most} units of fuel; raise `limits.fuel` if it needs more")]
    OutOfFuel {
        /// The limit.
        most: u64,
    },
    /// `limits.compute`.
    #[error("the guest computed for more than {most}; raise `limits.compute` if it needs longer")]
    OutOfCompute {
        /// The limit.
        most: Period,
    },
    /// `limits.deadline`.
    #[error("the guest was not done after {most}; raise `limits.deadline` if it needs longer")]
    PastDeadline {
        /// The limit.
        most: Period,
    },
    /// `limits.memory`.
    #[error("the guest needs more than {most} of memory; raise `limits.memory` if it may")]
    OutOfMemory {
        /// The limit.
        most: Size,
    },
    /// `limits.output`.
    #[error("the guest gave more than {most} at once; raise `limits.output` if it may")]
    TooMuchOutput {
        /// The limit.
        most: Size,
    },
    /// `limits.calls`.
    #[error("the guest called its host more than {most} times; raise `limits.calls` if it may")]
    TooManyCalls {
        /// The limit.
        most: u32,
    },
    /// It ended before, or a call of it was dropped half-way.
    #[error("the instance has ended")]
    Ended,
    /// As many instances live as the engine was made for.
    #[error("there is no room for another instance: {most} live")]
    NoRoom {
        /// The engine's bound.
        most: u32,
    },
}

/// Why a running guest is stopped by its host, on its way through WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("out of time to compute")]
    Compute,
    #[error("past the deadline")]
    Deadline,
    #[error("too much output")]
    Output,
    #[error("too many calls")]
    Calls,
}

impl Fault {
    /// What an error of a call means. `inside` remembers what the guest was denied.
    pub(crate) fn of(error: &wasmtime::Error, inside: &Inside) -> Self {
        let Limits { memory: _, fuel, compute, deadline, output, calls } =
            inside.terms.manifest.limits;
        if let Some(stop) = error.downcast_ref::<Stop>() {
            return match stop {
                Stop::Compute => Self::OutOfCompute { most: compute },
                Stop::Deadline => Self::PastDeadline { most: deadline },
                Stop::Output => Self::TooMuchOutput { most: output },
                Stop::Calls => Self::TooManyCalls { most: calls.get() },
            };
        }
        #[cfg(feature = "extism")]
        if let Some(breach) = error.downcast_ref::<crate::plugin::Breach>() {
            return breach.fault(inside);
        }
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return Self::NoRoom { most: inside.terms.most_instances };
        }
        let trap = error.downcast_ref::<Trap>();
        if trap == Some(&Trap::OutOfFuel) {
            return Self::OutOfFuel { most: fuel.get() };
        }
        if trap == Some(&Trap::StackOverflow) {
            return Self::StackExhausted;
        }
        if inside.fence.denied() {
            return Self::OutOfMemory { most: Size(inside.fence.most()) };
        }
        // wasmtime has no public type for it; `a_bomb_of_output_ends_its_instance` holds the words.
        if error.root_cause().to_string().contains("fuel allocated for hostcalls") {
            return Self::TooMuchOutput { most: output };
        }
        Self::Trapped { why: told(error) }
    }
}

/// The cause, and the functions that led to it.
fn told(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    let mut why = cause.strip_prefix("wasm trap: ").unwrap_or(&cause).to_owned();
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames);
    let names = frames.into_iter().flatten().filter_map(|frame| frame.func_name());
    for (index, name) in names.take(FRAMES).enumerate() {
        // Writing to a string never fails.
        let _always_ok = write!(why, "{}`{name}`", if index == 0 { ", in " } else { " < " });
    }
    why
}

/// Why bytes can't be a guest under their manifest.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// More bytes than the engine takes.
    #[error("the module has {bytes} bytes; the engine takes up to {most}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// Not a module or component of WebAssembly.
    #[error("this is no WebAssembly guest: {why}{}", advice(why))]
    NotAGuest {
        /// What the reader says.
        why: String,
    },
    /// It imports a capability that its manifest does not grant.
    #[error(
        "the guest imports `{capability}`, which was not granted; add `{}` below [capabilities] if it may use it",
        capability.line()
    )]
    Ungranted {
        /// The capability.
        capability: Capability,
    },
    /// It imports something that no host of this version offers.
    #[error("the guest imports `{name}`, which is no capability{}", advice(name))]
    UnknownImport {
        /// The import.
        name: String,
    },
    /// A plug-in imports what needs a capability that its manifest does not grant.
    #[error(
        "the plug-in imports `{import}`, which needs `{capability}`, and that was not granted; add `{}` below \
         [capabilities] if it may use it",
        capability.line()
    )]
    UngrantedImport {
        /// The import.
        import: String,
        /// What grants it.
        capability: Capability,
    },
    /// A plug-in imports what no grant offers.
    #[error(
        "the plug-in imports `{import}`, which is not offered: there is `extism:host/env`, and of WASI only what tells \
         the time, draws random numbers and writes lines"
    )]
    NotOffered {
        /// The import.
        import: String,
    },
    /// A plug-in of Extism, and an engine that takes none.
    #[error(
        "the manifest has `[extism]`, and this Bottega takes no plug-ins of Extism; build it with `--features extism`"
    )]
    NoPlugins,
    /// A plug-in of Extism that is to be an agent.
    #[error("a plug-in of Extism is a tool: write `world = \"tool\"`, or take `[extism]` out")]
    PluginAgent,
    /// It does not export what its world asks for.
    #[error("the guest is no {world}: {why}")]
    WrongWorld {
        /// The manifest's world.
        world: World,
        /// What is missing.
        why: String,
    },
    /// The manifest is of the other world.
    #[error("the manifest says `world = \"{found}\"`, and a {asked} was asked for")]
    OtherWorld {
        /// What was asked for.
        asked: World,
        /// The manifest's.
        found: World,
    },
}

fn advice(said: &str) -> &'static str {
    if said.contains("wasi") {
        "; guests have no WASI: build Rust for wasm32-unknown-unknown, Python and JavaScript with `--stub-wasi`, and \
         leave out what in C's library needs a system, such as `printf`"
    } else {
        ""
    }
}

/// Why an instance did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It ended while it started.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// `init` answered with an error.
    #[error("the guest refused to start: {0}")]
    Refused(String),
    /// `restore-state` answered with an error.
    #[error("the guest can't take over the state of version {version}: {why}")]
    NotRestored {
        /// Who saved it.
        version: semver::Version,
        /// What the guest says.
        why: String,
    },
}
