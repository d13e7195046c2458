//! Why something could not be kept or found.

use bottega_event::{Break, Revision, StreamId};
use bottega_types::Digest;

/// Why a store could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk is full. Nothing was half-written; free some space and repeat.
    #[error("the disk is full; free some space and try again ({0})")]
    Full(String),
    /// The store can be read but not written.
    #[error("the store can't be written: {0}")]
    ReadOnly(String),
    /// What is stored is not what was written.
    #[error("the journal is damaged: {0}; `bottega audit verify` tells more")]
    Damaged(#[from] Break),
    /// What lies around the records is not what was written: an index, a free page. The records may all be whole.
    #[error("the journal's file is damaged around its records: {0}")]
    DamagedFile(String),
    /// A blob's bytes are not those that were kept under its digest.
    #[error("blob {0} is damaged; keep it again from its source")]
    DamagedBlob(Digest),
    /// The file belongs to a newer version.
    #[error("the store has format {found}, this build knows up to {known}; use a newer bottega")]
    TooNew {
        /// The format on disk.
        found: u32,
        /// The newest that this build knows.
        known: u32,
    },
    /// Another process holds the store for too long.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// The store is being closed.
    #[error("the store is closing")]
    Closing,
    /// The machine refused.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why an append was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote to the stream first. Reload, decide again, repeat.
    #[error("stream {stream} is at {actual}, not at {expected}", actual = .actual.0, expected = .expected.0)]
    Moved {
        /// The stream.
        stream: StreamId,
        /// Where the writer thought it was.
        expected: Revision,
        /// Where it is.
        actual: Revision,
    },
    /// No journal takes it: it holds no events, or names a stream twice.
    #[error("an append {0}; correct the code that builds it")]
    Malformed(&'static str),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
