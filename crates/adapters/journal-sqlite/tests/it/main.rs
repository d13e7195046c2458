//! What the store must keep, under all that can happen to a file.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what went wrong by failing"
)]

mod child;
mod damage;
mod full;
mod kill;
mod migration;
mod ports;
mod protection;
mod sharing;
mod writing;

use std::path::Path;
use std::time::Duration;

use bottega_event::Position;
use bottega_journal_sqlite::{Options, SqliteStore};
use bottega_store::audit::verify;
use bottega_store::{Expected, Head, Journal, StoreError, conformance};
use bottega_types::CommandId;

/// Every wait in these tests ends here at the latest.
const DEADLINE: Duration = Duration::from_secs(120);

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(&Options::new(path)).expect("the journal can be opened")
}

async fn verified(store: &SqliteStore) -> Result<Head, StoreError> {
    verify(store, &mut |_, _| {}).await
}

/// Appends one event to each of two streams, `count` times.
async fn fill(store: &SqliteStore, count: u64) {
    let appends = (0..count).map(async |n| {
        let append =
            conformance::append(command(n), &[("a", Expected::Any, 1), ("b", Expected::Any, 1)]);
        store.append(append).await.expect("nothing stands in the way");
    });
    futures::future::join_all(appends).await;
}

fn command(n: u64) -> CommandId {
    conformance::command(n)
}

async fn positions(store: &SqliteStore) -> Vec<u64> {
    let records = store.read_all(Position(0), usize::MAX).await.unwrap();
    records.iter().map(|record| record.position.0).collect()
}
