//! Several processes on one journal.

use std::time::Duration;

use bottega_event::{Position, Record};
use bottega_journal_sqlite::{Access, Options, SqliteStore};
use bottega_store::{
    AppendError, Expected, Journal, Leases, StoreError, Subscription, conformance,
};
use futures::StreamExt;

use crate::child::{Said, Writer, append, command};
use crate::{DEADLINE, open, positions, verified};

async fn take(subscription: &mut Subscription, count: usize) -> Vec<std::sync::Arc<Record>> {
    let taking = subscription.take(count).map(Result::unwrap).collect();
    tokio::time::timeout(DEADLINE, taking).await.expect("what others append wakes a subscription")
}

/// This process only listens: nothing but the other's appends can wake it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_is_woken_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let store = open(&path);
    let mut subscription = store.subscribe(Position(0)).await.unwrap();
    let child = tokio::task::spawn_blocking(move || Writer::start(&path, 1, 40).finish());
    let seen = take(&mut subscription, 120).await;
    let told = child.await.unwrap();
    for n in 0..40 {
        assert!(told.contains(&Said::Stored(command(1, n))));
        assert!(seen.iter().any(|record| record.command == command(1, n)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_one_chain() {
    const EACH: u64 = 200;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let store = open(&path);
    let mut subscription = store.subscribe(Position(0)).await.unwrap();
    let child = tokio::task::spawn_blocking(move || {
        let mut child = Writer::start(&path, 1, EACH);
        let first = child.next();
        (first, child)
    });
    let (first, child) = child.await.unwrap();
    assert!(first.is_some(), "the child writes");
    let ours = async {
        for n in 0..EACH {
            store.append(append(command(2, n))).await.unwrap();
        }
    };
    let theirs = tokio::task::spawn_blocking(|| child.finish());
    let (seen, (), told) =
        futures::join!(take(&mut subscription, EACH as usize * 6), ours, async {
            theirs.await.unwrap()
        });
    assert!(told.len() as u64 >= EACH - 1);
    assert!(seen.iter().map(|record| record.position.0).eq(1..=EACH * 6), "in order, without gaps");
    assert_eq!(positions(&store).await, (1..=EACH * 6).collect::<Vec<_>>());
    assert_eq!(verified(&store).await.unwrap().position, Position(EACH * 6));
}

/// Two handles that were opened apart share nothing in memory, as two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_wrote_the_other_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (one, two) = (open(&path), open(&path));
    for n in 0..20 {
        let (writer, other) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let at = Expected::At(bottega_event::Revision(n));
        writer.append(conformance::append(conformance::command(n), &[("a", at, 1)])).await.unwrap();
        let again = conformance::append(conformance::command(n), &[("a", at, 1)]);
        assert!(other.append(again).await.unwrap().repeated);
        let stale = conformance::append(conformance::command(99), &[("a", at, 1)]);
        assert!(matches!(other.append(stale).await, Err(AppendError::Moved { .. })));
    }
    assert_eq!(verified(&one).await, verified(&two).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_without_the_right_to_write_is_woken_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let writer = open(&path);
    let reader = Options { access: Access::ReadOnly, ..Options::new(&path) };
    let reader = SqliteStore::open(&reader).unwrap();
    let mut subscription = reader.subscribe(Position(0)).await.unwrap();
    let (seen, ()) = futures::join!(take(&mut subscription, 20), crate::fill(&writer, 10));
    assert_eq!(seen.len(), 20);
}

#[tokio::test]
async fn who_holds_the_file_too_long_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let options = Options { patience: Duration::from_millis(20), ..Options::new(&path) };
    let store = SqliteStore::open(&options).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let append = || conformance::append(conformance::command(1), &[("a", Expected::Any, 1)]);
    let refused = store.append(append()).await;
    assert!(matches!(refused, Err(AppendError::Store(StoreError::Busy(_)))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(!store.append(append()).await.unwrap().repeated);
}

#[tokio::test]
async fn a_closed_store_ends_its_subscriptions() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("journal.db"));
    crate::fill(&store, 1).await;
    let mut subscription = store.subscribe(Position(0)).await.unwrap();
    drop(store);
    let items: Vec<_> =
        tokio::time::timeout(DEADLINE, (&mut subscription).collect()).await.unwrap();
    let items: Vec<Result<_, _>> = items;
    assert_eq!(items.len(), 3, "two records and the reason of the end");
    assert_eq!(items[2], Err(StoreError::Closing));
}

#[tokio::test]
async fn leases_hold_between_stores_of_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (one, two) = (open(&path), open(&path));
    let held = one.lease("a").unwrap();
    assert!(held.is_some() && two.lease("a").unwrap().is_none());
    assert!(two.share("a").unwrap().is_none());
    drop(held);
    let (first, second) = (one.share("a").unwrap(), two.share("a").unwrap());
    assert!(first.is_some() && second.is_some());
    assert!(one.lease("a").unwrap().is_none());
    drop(first);
    assert!(one.lease("a").unwrap().is_none() && two.lease("a").unwrap().is_none());
    drop(second);
    assert!(two.lease("a").unwrap().is_some());
    assert!(matches!(one.lease("../a"), Err(StoreError::Failed(_))));
}
