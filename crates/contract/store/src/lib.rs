//! Ports for all that is kept: the journal, blobs, snapshots, projections.
//!
//! What it is: the traits with their written promises, an in-memory store, and the conformance suites
//! that every adapter passes.
//! What it is not: a database. See `bottega-journal-sqlite`.
//!
//! One fact: [`Append`] → [`Journal::append`] → [`Record`](bottega_event::Record) →
//! [`Journal::subscribe`] → [`Projection::apply`] → [`Change`]s → [`Projections::advance`] → a view.
//!
//! Invariants
//! * `Ok` from an append means that it survives loss of power.
//! * A projection can be dropped at any time and rebuilt from the journal alone.

mod blobs;
mod error;
mod journal;
mod projection;
mod snapshot;

pub use blobs::Blobs;
pub use error::{AppendError, StoreError};
pub use journal::{Append, Appended, Batch, Expected, Head, Journal, Subscription};
pub use projection::{Change, Projection, Projections, Rows, catch_up};
pub use snapshot::{Snapshot, Snapshots};
