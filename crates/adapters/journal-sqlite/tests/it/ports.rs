//! The promises of the ports.

use std::time::Duration;

use bottega_journal_sqlite::{Options, SqliteStore};
use bottega_store::conformance;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    let suite = conformance::all(|| {
        count += 1;
        SqliteStore::open(&Options::new(folder.path().join(format!("{count}.db")))).unwrap()
    });
    tokio::time::timeout(Duration::from_secs(120), suite).await.expect("no promise waits for ever");
}
