//! GGUF models in this process, and the models on this machine's disk.

mod engine;
mod hardware;
mod library;

pub use engine::Engine;
pub use engine::bench::{BenchOptions, BenchResult, bench};
pub use engine::options::{CacheType, EngineOptions};
pub use engine::stats::EngineStats;
pub use library::gguf::{GgufHeader, NotGguf};
