//! Ports for all that is kept: the journal, blobs, snapshots, projections.
//!
//! What it is: the traits with their written promises, what every implementation shares (the sequencing
//! of an append, the bell and the stream of a subscription), an in-memory store, the audit of any
//! journal, and the conformance suites that every adapter passes (feature `conformance`).
//! What it is not: a database. See `bottega-journal-sqlite`. It starts no task and knows no runtime.
//!
//! One fact: [`Append`] → [`Journal::append`] → [`Sequenced`] → [`Record`](bottega_event::Record) →
//! [`Journal::subscribe`] → [`Projection::apply`] → [`Change`]s → [`Projections::advance`] → a view.
//!
//! Invariants
//! * `Ok` from an append means that it survives loss of power.
//! * A projection can be dropped at any time and rebuilt from the journal alone.
//! * Positions, revisions and digests of new records come from [`Sequenced::new`] and from nowhere else.

pub mod audit;
mod bell;
mod blobs;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod journal;
mod lease;
mod memory;
mod projection;
mod sequence;
mod snapshot;

pub use bell::{Bell, follow};
pub use blobs::Blobs;
pub use error::{AppendError, StoreError};
pub use journal::{Append, Appended, Batch, Expected, Head, Journal, Subscription};
pub use lease::{Lease, Leases};
pub use memory::MemoryStore;
pub use projection::{Change, Projection, Projections, Rows, catch_up};
pub use sequence::Sequenced;
pub use snapshot::{Snapshot, Snapshots};

/// Everything that is kept, behind one value.
pub trait Store: Journal + Blobs + Snapshots + Projections + Leases {}

impl<T: Journal + Blobs + Snapshots + Projections + Leases + ?Sized> Store for T {}
