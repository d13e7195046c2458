//! The port to the journal.

use std::sync::Arc;

use async_trait::async_trait;
use bottega_event::{NewEvent, Position, Record, Revision, StreamId};
use bottega_types::{CommandId, Digest, Timestamp};
use futures::stream::BoxStream;

use crate::{AppendError, StoreError};

/// Where a writer thinks a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly here; anything else is a conflict. `Revision(0)` means that it must not exist yet.
    At(Revision),
    /// Wherever it is.
    Any,
}

/// Events for one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The stream.
    pub stream: StreamId,
    /// Where it should be.
    pub expected: Expected,
    /// What to store, in order. Never empty.
    pub events: Vec<NewEvent>,
}

/// One command's events, for one stream or several: all are stored or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The command. Repeating it appends nothing and returns the first answer.
    pub command: CommandId,
    /// When it happened.
    pub at: Timestamp,
    /// What to store. No stream twice.
    pub batches: Vec<Batch>,
}

/// What an append did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of its last event.
    pub position: Position,
    /// Where each stream of the append is now, in the order of its batches.
    pub revisions: Vec<Revision>,
    /// Whether the command had been stored before, and nothing was appended now.
    pub repeated: bool,
}

/// The end of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last record's position; zero when there is none.
    pub position: Position,
    /// The last record's digest; [`Digest::ZERO`] when there is none.
    pub digest: Digest,
}

/// Records as they are appended, without gaps, until the store is closed or fails: then one error, then the
/// end.
pub type Subscription = BoxStream<'static, Result<Arc<Record>, StoreError>>;

/// The journal: streams of events, one chain over all of them.
///
/// Every implementation promises, and the suite `conformance` checks:
/// * order: positions count from 1 without gaps; the events of one append stay adjacent and in order;
/// * atomicity: of one append, all events are stored or none, over all its streams;
/// * durability: `Ok` survives `kill -9` and loss of power (the in-memory store excepted);
/// * conflict: an append whose expected revision is not the stream's is refused with the truth;
/// * idempotence: repeating a [`CommandId`] appends nothing and returns the first answer, whatever the
///   stream's revision is by then;
/// * shape: an append without events, or with a stream twice, is refused;
/// * chain: each record's digest is [`bottega_event::link`] of the one before;
/// * cancellation: dropping the future of an append leaves all of it or none of it;
/// * several processes may use the same journal at the same time.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Stores one command's events.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// Reads at most `limit` records of a stream after revision `after`, in order.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError>;

    /// Reads at most `limit` records of all streams after position `after`, in order.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// The end of the journal.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Looks over what lies around the records: indexes, lists of commands, free pages. The chain covers none of it.
    /// Reads the whole store; a store that keeps nothing but records has nothing to look over.
    ///
    /// # Errors
    /// [`StoreError::DamagedFile`] with the places where it is not what it should be.
    async fn inspect(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Everything after `after`, those already stored first, then each as it is appended by whichever
    /// process. Woken, never polling. A slow reader is not dropped and does not slow writers down: it reads
    /// what it missed from the store.
    async fn subscribe(&self, after: Position) -> Result<Subscription, StoreError>;
}
