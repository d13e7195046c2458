//! Promises of [`Snapshots`].

use bottega_event::Revision;

use super::stream_id;
use crate::{Snapshot, Snapshots};

fn snapshot(revision: u64, version: u32, state: &str) -> Snapshot {
    Snapshot { revision: Revision(revision), version, state: state.as_bytes().to_owned() }
}

/// The latest one is returned; an older one never replaces it, one of the same revision does.
pub async fn the_latest_snapshot_is_returned(snapshots: &dyn Snapshots) {
    let (a, b) = (stream_id("a"), stream_id("b"));
    assert_eq!(snapshots.load(&a).await, Ok(None));
    for (saved, expected) in [
        (snapshot(5, 1, "five"), "five"),
        (snapshot(3, 9, "three"), "five"),
        (snapshot(5, 2, "five again"), "five again"),
        (snapshot(8, 1, ""), ""),
    ] {
        snapshots.save(&a, saved).await.expect("there is room for it");
        let kept =
            snapshots.load(&a).await.expect("a healthy store can be read").expect("one was saved");
        assert_eq!(kept.state, expected.as_bytes());
    }
    assert_eq!(snapshots.load(&a).await, Ok(Some(snapshot(8, 1, ""))));
    assert_eq!(snapshots.load(&b).await, Ok(None));
}

/// Forgetting takes one stream's snapshot away, and an older one may come after it.
pub async fn a_forgotten_snapshot_is_gone(snapshots: &dyn Snapshots) {
    let (a, b) = (stream_id("a"), stream_id("b"));
    for stream in [&a, &b] {
        snapshots.save(stream, snapshot(2, 1, "two")).await.expect("there is room for it");
    }
    snapshots.forget(&a).await.expect("a healthy store can be written");
    assert_eq!(snapshots.load(&a).await, Ok(None));
    assert_eq!(snapshots.load(&b).await, Ok(Some(snapshot(2, 1, "two"))));
    snapshots.save(&a, snapshot(1, 1, "one")).await.expect("there is room for it");
    assert_eq!(snapshots.load(&a).await, Ok(Some(snapshot(1, 1, "one"))));
}
