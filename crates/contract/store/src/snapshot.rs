//! The port to snapshots: a folded state, so that a long stream need not be folded anew.

use async_trait::async_trait;
use bottega_event::{Revision, StreamId};

use crate::StoreError;

/// A stream's state as of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last revision that is in it.
    pub revision: Revision,
    /// The version of the state's form; another version is not read but folded anew.
    pub version: u32,
    /// The state.
    pub state: Vec<u8>,
}

/// Snapshots by stream. They are a cache: losing one loses nothing.
///
/// Every implementation promises, and the suite `conformance` checks: the latest saved one is returned, an older one never replaces it.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// Keeps a snapshot of `stream`, unless a later one is kept.
    async fn save(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError>;

    /// The latest snapshot of `stream`.
    async fn load(&self, stream: &StreamId) -> Result<Option<Snapshot>, StoreError>;

    /// Forgets the snapshot of `stream`.
    async fn forget(&self, stream: &StreamId) -> Result<(), StoreError>;
}
