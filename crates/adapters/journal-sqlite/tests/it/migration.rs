//! Formats: forward, back, and those that are not ours.

use std::fs;

use bottega_event::Position;
use bottega_journal_sqlite::{Access, Options, SqliteStore};
use bottega_store::{Blobs, Change, Projections, Snapshot, Snapshots, StoreError, conformance};
use rusqlite::Connection;

use crate::{fill, open, verified};

#[tokio::test]
async fn every_format_is_reached_forward_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let options = Options::new(&path);
    let store = open(&path);
    fill(&store, 5).await;
    let blob = store.put(b"kept").await.unwrap();
    let (stream, rows) =
        (conformance::stream_id("a"), vec![Change { key: "k".into(), value: Some(vec![1]) }]);
    let snapshot = Snapshot { revision: bottega_event::Revision(3), version: 1, state: vec![2] };
    let head = verified(&store).await;
    store.save(&stream, snapshot).await.unwrap();
    assert_eq!(store.advance("view", 1, Position(0), Position(10), rows).await, Ok(true));
    drop(store);

    let newest = SqliteStore::FORMAT;
    for format in (1..newest).rev() {
        assert_eq!(SqliteStore::migrate(&options, format), Ok(format + 1), "back");
    }
    for format in 2..=newest {
        assert_eq!(SqliteStore::migrate(&options, format), Ok(format - 1), "forward");
    }
    assert_eq!(SqliteStore::migrate(&options, 1), Ok(newest), "all the way back");
    // Opening goes all the way forward. What is the truth is kept, what is rebuilt is gone.
    let store = open(&path);
    assert_eq!(verified(&store).await, head);
    assert_eq!(store.get(blob).await, Ok(Some(b"kept".to_vec())));
    assert_eq!(store.load(&stream).await, Ok(None));
    assert_eq!(store.checkpoint("view").await, Ok(None));
    assert_eq!(store.check_file().await, Ok(()));
    assert_eq!(SqliteStore::migrate(&options, newest), Ok(newest));
}

#[tokio::test]
async fn formats_that_there_are_not_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("journal.db"));
    drop(SqliteStore::open(&options).unwrap());
    for format in [0, SqliteStore::FORMAT + 1] {
        assert!(matches!(SqliteStore::migrate(&options, format), Err(StoreError::Failed(_))));
    }
}

#[tokio::test]
async fn an_older_format_that_can_only_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("journal.db"));
    SqliteStore::migrate(&options, 1).unwrap();
    let refused = SqliteStore::open(&Options { access: Access::ReadOnly, ..options });
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
}

/// Opens what `prepare` left in the file.
fn refusal_of(prepare: impl FnOnce(&std::path::Path)) -> StoreError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    prepare(&path);
    let before = fs::read(&path).unwrap();
    let refusal = SqliteStore::open(&Options::new(&path)).unwrap_err();
    assert!(fs::read(&path).unwrap().len() == before.len(), "it was left alone");
    refusal
}

#[test]
fn a_newer_file_is_refused() {
    let refusal = refusal_of(|path| {
        drop(SqliteStore::open(&Options::new(path)).unwrap());
        Connection::open(path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    });
    assert_eq!(refusal, StoreError::TooNew { found: 99, known: SqliteStore::FORMAT });
}

#[test]
fn another_programs_database_is_refused() {
    let refusal = refusal_of(|path| {
        Connection::open(path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    });
    assert!(refusal.to_string().contains("another program"), "{refusal}");
}

#[test]
fn what_is_no_database_is_refused() {
    let refusal =
        refusal_of(|path| fs::write(path, "just a text, and long enough ".repeat(99)).unwrap());
    assert!(matches!(refusal, StoreError::Damaged(_)), "{refusal}");
}
