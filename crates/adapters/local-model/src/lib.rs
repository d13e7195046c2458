//! GGUF models in this process, and the library of models on this machine's disk.
//!
//! What it is: [`Engine`], llama.cpp behind [`bottega_llm::ChatModel`] with chat templates,
//! constrained calls and a prefix cache; [`Library`], models fetched, verified and listed behind
//! [`bottega_llm::ModelLibrary`]; and [`LocalModels`], which joins the two to one provider.
//! What it is not: it chooses no model for a task and retries no answer; see `bottega-gateway`.
//!
//! One answer: request → chat template → tokens → what is new of them is read → token by token,
//! held to a grammar where one is asked for → events.
//! One pull: name or source → lock → address, size, digest → pieces → digest → record.
//!
//! Invariants
//! * One thread per model touches llama.cpp; requests wait in a bounded queue before it.
//! * Text of users, tools and files never becomes a control token.
//! * A call that the engine began is one of the declared tools, with arguments its schema accepts.
//! * Dropping a stream stops the evaluation under way.
//! * A model is listed only after its digest was checked; nothing unverified has its final name.

mod engine;
mod hardware;
mod library;
mod provider;

pub use engine::Engine;
pub use engine::bench::{BenchOptions, BenchResult, bench};
pub use engine::options::{CacheType, EngineOptions};
pub use engine::stats::EngineStats;
pub use library::gguf::{GgufHeader, NotGguf};
pub use library::{CATALOGUE, CatalogueEntry, DEFAULT_MODEL, FreeDisk, Library, LibraryOptions};
pub use provider::{ConfigureEngine, LocalModels};
