//! Groups: many writes in one transaction.

use bottega_event::{Position, Revision};
use bottega_journal_sqlite::SqliteStore;
use bottega_store::audit::{Line, export_jsonl};
use bottega_store::{
    AppendError, Blobs, Change, Expected, Journal, Projections, Snapshot, Snapshots, conformance,
};
use proptest::prelude::*;

use crate::{command, open, verified};

/// One conflict in each group, among appends, blobs, snapshots and views.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_spoils_nobody_elses_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("journal.db"));
    let write = async |store: &SqliteStore, n: u64| {
        let name = format!("stream-{n}");
        let stale =
            conformance::append(command(1000 + n), &[(&name, Expected::At(Revision(7)), 1)]);
        let fresh = conformance::append(command(n), &[(&name, Expected::At(Revision(0)), 3)]);
        let stream = conformance::stream_id(&name);
        let snapshot = Snapshot { revision: Revision(n), version: 1, state: vec![0; 10] };
        let change = vec![Change { key: name.clone(), value: Some(vec![1]) }];
        let (stale, fresh, blob, saved, moved) = futures::join!(
            store.append(stale),
            store.append(fresh),
            store.put(name.as_bytes()),
            store.save(&stream, snapshot),
            store.advance(&name, 1, Position(5), Position(6), change),
        );
        assert!(matches!(stale, Err(AppendError::Moved { .. })), "{stale:?}");
        assert_eq!(fresh.unwrap().revisions, [Revision(3)]);
        assert_eq!(store.get(blob.unwrap()).await, Ok(Some(name.into_bytes())));
        assert_eq!((saved, moved), (Ok(()), Ok(false)));
    };
    futures::future::join_all((0..100).map(|n| write(&store, n))).await;
    assert_eq!(verified(&store).await.unwrap().position, Position(300));
}

/// A group that fails (one job in it is too large for the quota) is tried again job by job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_spoils_nobody_elses_write() {
    let folder = tempfile::tempdir().unwrap();
    let options = bottega_journal_sqlite::Options {
        quota: Some(3 << 20),
        ..bottega_journal_sqlite::Options::new(folder.path().join("journal.db"))
    };
    let store = SqliteStore::open(&options).unwrap();
    let large = vec![1; 5 << 20];
    let write = async |n: u64| {
        let fresh = conformance::append(command(n), &[("a", Expected::Any, 1)]);
        let (stored, refused) = futures::join!(store.append(fresh), store.put(&large));
        assert_eq!((stored.is_ok(), refused.is_err()), (true, true), "{n}");
    };
    futures::future::join_all((0..10).map(write)).await;
    assert_eq!(verified(&store).await.unwrap().position, Position(10));
    assert_eq!(store.check_file().await, Ok(()));
}

/// The log is copied into the file long before it grows without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_does_not_grow_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("journal.db"));
    for n in 0..40_u32 {
        store.put(&n.to_le_bytes().repeat(1 << 18)).await.unwrap();
    }
    let size = |name| std::fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(size("journal.db") > 32 << 20, "{}", size("journal.db"));
    assert!(size("journal.db-wal") < 16 << 20, "{}", size("journal.db-wal"));
}

#[tokio::test]
async fn an_export_holds_every_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("journal.db"));
    crate::fill(&store, 30).await;
    let mut lines = Vec::new();
    let count = export_jsonl(&store, Position(0), &mut lines, &mut |_, _| {}).await.unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let records: Vec<bottega_event::Record> = lines
        .lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap().try_into().unwrap())
        .collect();
    assert_eq!(count, 60);
    assert_eq!(store.read_all(Position(0), 99).await, Ok(records));
}

/// A store that is dropped at once after its last answer has kept everything.
#[tokio::test]
async fn a_reopened_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    for n in 0..10 {
        let store = open(&path);
        let append = conformance::append(command(n), &[("a", Expected::At(Revision(n)), 1)]);
        assert_eq!(store.append(append).await.unwrap().position, Position(n + 1));
        let first = conformance::append(command(0), &[("a", Expected::At(Revision(0)), 1)]);
        assert!(store.append(first).await.unwrap().repeated);
    }
    assert_eq!(verified(&open(&path)).await.unwrap().position, Position(10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is done in whatever order, the store and a few lines of model agree.
    #[test]
    fn the_store_agrees_with_the_model(steps in proptest::collection::vec(any::<u64>(), 0..60)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = open(&folder.path().join("journal.db"));
            conformance::agrees_with_the_model(&store, &steps).await;
        });
    }
}
