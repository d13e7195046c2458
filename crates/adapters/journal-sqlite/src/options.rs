//! What can be set.

use std::path::PathBuf;
use std::time::Duration;

/// What a process wants to do with the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write; the file and its folder are created when they are not there. A file that is
    /// write-protected (by its mode, also for root) can be read, and every write says why it can't be.
    ReadWrite,
    /// Only read; the file must be there.
    ReadOnly,
}

/// How a journal is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// Whether to write.
    pub access: Access,
    /// How long a write waits for its turn while other processes write, before it says that the store is
    /// busy.
    pub patience: Duration,
    /// The most bytes that the file may take; beyond them the disk counts as full. Without one the disk
    /// is the limit.
    pub quota: Option<u64>,
    /// Writes that wait in this process before a caller has to wait to hand in one more.
    pub queue: usize,
}

impl Options {
    /// The journal at `path`, to read and write: ten seconds of patience, no quota, a queue of 1,024.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            access: Access::ReadWrite,
            patience: Duration::from_secs(10),
            quota: None,
            queue: 1024,
        }
    }
}
