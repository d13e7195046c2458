//! What can be set of an engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bottega_types::{Clock, Entropy, SystemClock, SystemEntropy};

/// What can be set of an engine. The defaults serve a machine with ten thousand agents.
#[derive(Clone)]
pub struct Options {
    /// Instances that may live at once; fewer where some have several memories, as JavaScript has. One more is refused with [`Fault::NoRoom`](crate::Fault::NoRoom).
    pub instances: u32,
    /// Linear memory of an instance, in bytes: a bound on every manifest's `limits.memory`.
    pub memory: u64,
    /// The largest module that is taken, in bytes.
    pub module: usize,
    /// How long a guest computes before others get their turn; the unit in which `limits.compute` is held.
    pub tick: Duration,
    /// Where compiled guests are kept; only in memory when absent. Must belong to this user alone.
    pub cache: Option<PathBuf>,
    /// Bytes of compiled guests that are kept there.
    pub cache_most: u64,
    /// The time that guests are told.
    pub clock: Arc<dyn Clock>,
    /// The random numbers that guests are given.
    pub entropy: Arc<dyn Entropy>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instances: 10_000,
            memory: 256 << 20,
            module: 64 << 20,
            tick: Duration::from_millis(10),
            cache: None,
            cache_most: 1 << 30,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { instances, memory, module, tick, cache, cache_most, clock: _, entropy: _ } =
            self;
        f.debug_struct("Options")
            .field("instances", instances)
            .field("memory", memory)
            .field("module", module)
            .field("tick", tick)
            .field("cache", cache)
            .field("cache_most", cache_most)
            .finish_non_exhaustive()
    }
}
