//! The journal, blobs, snapshots and views of one machine in one SQLite file.
//!
//! What it is: the four ports of `bottega-store` over one file in WAL mode. One thread per process writes,
//! a few connections read, a watch tells what other processes appended.
//! What it is not: it decides nothing about events; positions and digests come from
//! [`Sequenced`](bottega_store::Sequenced).
//!
//! One append: [`SqliteStore`] → a bounded queue → the writer's group → one transaction, one fsync →
//! the answers → the bell (this process) and the bell file (the others) → subscriptions.
//!
//! Files, for a journal at `journal.db`: `journal.db` itself, `journal.db-wal` and `journal.db-shm` (SQLite's),
//! `journal.db-bell` (whose turn it is to write, and the last position, for waking other processes). All
//! have mode 0600, folders that are created 0700.
//!
//! Invariants
//! * A caller sees `Ok` only after the transaction that holds its work was synced to disk.
//! * A job that is refused has written nothing; a job that fails takes the whole group back, and each job
//!   of it is then tried alone.
//! * The head row and the last record agree in every committed state; the writer checks it before it
//!   builds on them.
//! * Stored records are only ever inserted: no statement of this crate updates or deletes one.

mod blobs;
mod connection;
mod inspection;
mod journal;
mod leases;
mod options;
mod place;
mod projections;
mod readers;
mod refusal;
mod schema;
mod signal;
mod snapshots;
mod store;
mod turn;
mod writer;

pub use options::{Access, Options};
pub use store::SqliteStore;
