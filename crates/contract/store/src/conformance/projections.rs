//! Promises of [`Projections`], and of [`catch_up`] over it.

use bottega_event::{Position, Record};
use futures::future;

use super::{append, command};
use crate::{Change, Expected, Journal, Projection, Projections, Rows, Store, catch_up};

/// Counts the events of each stream.
struct Counts {
    version: u32,
}

impl Projection for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        vec![record.stream.to_string()]
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let key = record.stream.to_string();
        let before = rows.get(&key).map_or(0, |bytes| {
            u64::from_le_bytes(bytes.try_into().expect("eight bytes were stored"))
        });
        vec![Change { key, value: Some((before + 1).to_le_bytes().to_vec()) }]
    }
}

async fn fill(journal: &dyn Journal, appends: u64) {
    for n in 0..appends {
        let batches = [("a", Expected::Any, 1), (["b", "c"][n as usize % 2], Expected::Any, 2)];
        journal.append(append(command(n), &batches)).await.expect("nothing stands in the way");
    }
}

async fn counts(views: &dyn Projections) -> Vec<(String, u64)> {
    let rows = views.rows("counts", "", None, 99).await.expect("a healthy store can be read");
    let count =
        |bytes: Vec<u8>| u64::from_le_bytes(bytes.try_into().expect("eight bytes were stored"));
    rows.into_iter().map(|(key, value)| (key, count(value))).collect()
}

async fn advance(
    views: &dyn Projections,
    version: u32,
    from: u64,
    to: u64,
    changes: &[(&str, Option<&str>)],
) -> bool {
    let changes = changes.iter().map(|(key, value)| Change {
        key: (*key).to_owned(),
        value: value.map(|value| value.as_bytes().to_owned()),
    });
    views
        .advance("view", version, Position(from), Position(to), changes.collect())
        .await
        .expect("a healthy store can be written")
}

/// Rows and checkpoint of one advance change together; an advance may take rows away.
pub async fn rows_and_checkpoint_move_together(views: &dyn Projections) {
    assert_eq!(views.checkpoint("view").await, Ok(None));
    assert!(advance(views, 3, 0, 10, &[("k", Some("v")), ("l", Some("")), ("m", Some("w"))]).await);
    assert_eq!(views.checkpoint("view").await, Ok(Some((Position(10), 3))));
    assert_eq!(views.row("view", "k").await, Ok(Some(b"v".to_vec())));
    assert!(advance(views, 3, 10, 12, &[("k", None), ("m", Some("x")), ("never", None)]).await);
    assert_eq!(views.checkpoint("view").await, Ok(Some((Position(12), 3))));
    let keys = ["k", "l", "m", "never"].map(str::to_owned);
    let expected = vec![None, Some(vec![]), Some(b"x".to_vec()), None];
    assert_eq!(views.load_rows("view", &keys).await, Ok(expected));
    assert!(advance(views, 3, 12, 13, &[]).await);
    assert_eq!(views.checkpoint("view").await, Ok(Some((Position(13), 3))));
}

/// An advance that is not at the checkpoint, or has another version, changes nothing and says so.
pub async fn an_advance_from_elsewhere_changes_nothing(views: &dyn Projections) {
    assert!(!advance(views, 1, 4, 5, &[("k", Some("early"))]).await);
    assert!(advance(views, 1, 0, 5, &[("k", Some("v"))]).await);
    assert!(!advance(views, 1, 0, 5, &[("k", Some("again"))]).await);
    assert!(!advance(views, 1, 4, 6, &[("k", Some("stale"))]).await);
    assert!(!advance(views, 2, 5, 6, &[("k", Some("other form"))]).await);
    assert_eq!(views.row("view", "k").await, Ok(Some(b"v".to_vec())));
    assert_eq!(views.checkpoint("view").await, Ok(Some((Position(5), 1))));
}

/// Rows are listed by key in byte order, by prefix, page by page.
pub async fn rows_are_listed_by_prefix_in_order(views: &dyn Projections) {
    let rows = ["b/2", "a", "b/1", "b", "c", "b/10", "b_", "b/é", "b/\u{10ffff}"]
        .map(|key| (key, Some(key)));
    assert!(advance(views, 1, 0, 1, &rows).await);
    for (prefix, after, limit, expected) in [
        ("", None, 3, vec!["a", "b", "b/1"]),
        ("b/", None, 9, vec!["b/1", "b/10", "b/2", "b/é", "b/\u{10ffff}"]),
        ("b/", Some("b/10"), 2, vec!["b/2", "b/é"]),
        ("b/", Some("a"), 1, vec!["b/1"]),
        ("b/", Some("b/\u{10ffff}"), 9, vec![]),
        ("b%", None, 9, vec![]),
        ("", Some("c"), 9, vec![]),
        ("", None, 0, vec![]),
    ] {
        let rows =
            views.rows("view", prefix, after, limit).await.expect("a healthy store can be read");
        let keys: Vec<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, expected, "{prefix} after {after:?}");
        assert!(rows.iter().all(|(key, value)| key.as_bytes() == value));
    }
}

/// One view's rows are not another's.
pub async fn views_are_apart(views: &dyn Projections) {
    assert!(advance(views, 1, 0, 1, &[("k", Some("v"))]).await);
    assert_eq!(views.row("other", "k").await, Ok(None));
    assert_eq!(views.rows("other", "", None, 9).await, Ok(vec![]));
    assert_eq!(views.checkpoint("other").await, Ok(None));
    views.drop_view("other").await.expect("dropping what is not there is no failure");
    assert_eq!(views.row("view", "k").await, Ok(Some(b"v".to_vec())));
}

/// A view that was dropped is rebuilt from the journal to the same rows.
pub async fn a_dropped_view_is_rebuilt_the_same(store: &dyn Store) {
    fill(store, 21).await;
    let projection = Counts { version: 1 };
    assert_eq!(catch_up(&projection, store, store).await, Ok(63));
    let expected = [("a", 21), ("b", 22), ("c", 20)].map(|(key, count)| (key.to_owned(), count));
    assert_eq!(counts(store).await, expected);
    assert_eq!(catch_up(&projection, store, store).await, Ok(0));
    store.drop_view("counts").await.expect("a healthy store can be written");
    assert_eq!((counts(store).await, store.checkpoint("counts").await), (vec![], Ok(None)));
    assert_eq!(catch_up(&projection, store, store).await, Ok(63));
    assert_eq!(counts(store).await, expected);
}

/// A view whose rows have an older form is rebuilt from the beginning.
pub async fn a_new_version_rebuilds_the_view(store: &dyn Store) {
    fill(store, 4).await;
    catch_up(&Counts { version: 1 }, store, store).await.expect("a healthy store can be folded");
    assert_eq!(catch_up(&Counts { version: 2 }, store, store).await, Ok(12));
    let expected = [("a", 4), ("b", 4), ("c", 4)].map(|(key, count)| (key.to_owned(), count));
    assert_eq!(counts(store).await, expected);
    assert_eq!(store.checkpoint("counts").await, Ok(Some((Position(12), 2))));
}

/// Two that fold the same view at once fold each record once.
pub async fn two_folders_count_each_record_once(store: &dyn Store) {
    let projection = Counts { version: 1 };
    let folding = future::join_all((0..4).map(|_| async {
        for _ in 0..10 {
            catch_up(&projection, store, store).await.expect("a healthy store can be folded");
        }
    }));
    future::join(folding, fill(store, 40)).await;
    catch_up(&projection, store, store).await.expect("a healthy store can be folded");
    let expected = [("a", 40), ("b", 40), ("c", 40)].map(|(key, count)| (key.to_owned(), count));
    assert_eq!(counts(store).await, expected);
}
