//! Who may do what with the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bottega_event::{Position, Revision};
use bottega_journal_sqlite::{Access, Options, SqliteStore};
use bottega_store::{
    AppendError, Blobs, Expected, Journal, Projections, Snapshot, Snapshots, StoreError,
    conformance,
};

use crate::{command, fill, open, verified};

/// Everything can be read, and every write says why it can't be.
async fn check_read_only(store: &SqliteStore) {
    assert_eq!(verified(store).await.unwrap().position, Position(10));
    let stream = conformance::stream_id("a");
    assert_eq!(store.read_stream(&stream, Revision(0), 99).await.unwrap().len(), 5);
    assert_eq!(store.row("view", "k").await, Ok(None));
    let append = conformance::append(command(9), &[("a", Expected::Any, 1)]);
    let append = store.append(append).await;
    assert!(matches!(append, Err(AppendError::Store(StoreError::ReadOnly(_)))), "{append:?}");
    let snapshot = Snapshot { revision: Revision(1), version: 1, state: vec![] };
    for refused in [
        store.put(b"x").await.map(drop),
        store.save(&stream, snapshot).await,
        store.forget(&stream).await,
        store.advance("view", 1, Position(0), Position(1), vec![]).await.map(drop),
        store.drop_view("view").await,
    ] {
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    }
    // Nothing will come, which is no reason to fail.
    drop(store.subscribe(Position(0)).await.unwrap());
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_write_protected_file_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let store = open(&path);
    fill(&store, 5).await;
    drop(store);
    assert_eq!(SqliteStore::why_not_written(&path), Ok(None));
    chmod(&path, 0o400);
    let why = SqliteStore::why_not_written(&path).unwrap();
    assert!(why.as_ref().is_some_and(|why| why.contains("write-protected")), "{why:?}");
    let before = fs::read(&path).unwrap();
    let store = open(&path);
    check_read_only(&store).await;
    drop(store);
    assert!(fs::read(&path).unwrap() == before, "not a byte has changed");
    assert!(!folder.path().join("journal.db-wal").exists());
    chmod(&path, 0o600);
    fill(&open(&path), 6).await;
}

#[tokio::test]
async fn a_store_opened_for_reading_does_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let options = Options { access: Access::ReadOnly, ..Options::new(&path) };
    assert!(matches!(SqliteStore::open(&options), Err(StoreError::Failed(_))), "there is none yet");
    let writer = open(&path);
    fill(&writer, 5).await;
    check_read_only(&SqliteStore::open(&options).unwrap()).await;
    drop(writer);
    check_read_only(&SqliteStore::open(&options).unwrap()).await;
}

#[tokio::test]
async fn files_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("some").join("where");
    let store = open(&inner.join("journal.db"));
    fill(&store, 1).await;
    for (path, mode) in [
        (inner.parent().unwrap().to_owned(), 0o700),
        (inner.clone(), 0o700),
        (inner.join("journal.db"), 0o600),
        (inner.join("journal.db-wal"), 0o600),
        (inner.join("journal.db-shm"), 0o600),
        (inner.join("journal.db-bell"), 0o600),
    ] {
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{}", path.display());
    }
}
