//! Promises of [`Journal`] about writing and reading.

use std::task::{Context, Poll, Waker};

use bottega_event::{ChainVerifier, Position, Record, Revision};
use bottega_types::{Digest, Timestamp};
use futures::future::join_all;

use super::{append, command, event, stream_id};
use crate::{Append, AppendError, Batch, Expected, Head, Journal};

async fn everything(journal: &dyn Journal) -> Vec<Record> {
    journal.read_all(Position(0), usize::MAX).await.expect("a healthy journal can be read")
}

async fn store(
    journal: &dyn Journal,
    n: u64,
    batches: &[(&str, Expected, usize)],
) -> crate::Appended {
    journal
        .append(append(command(n), batches))
        .await
        .expect("nothing stands in the way of this append")
}

/// Positions count from 1 without gaps, revisions too in each stream.
pub async fn positions_count_from_one_without_gaps(journal: &dyn Journal) {
    assert_eq!(journal.head().await, Ok(Head::EMPTY));
    for n in 0..6 {
        store(journal, n, &[(["a", "b"][n as usize % 2], Expected::Any, 2)]).await;
    }
    let records = everything(journal).await;
    let positions: Vec<u64> = records.iter().map(|record| record.position.0).collect();
    assert_eq!(positions, (1..=12).collect::<Vec<_>>());
    for stream in ["a", "b"] {
        let of_stream = journal.read_stream(&stream_id(stream), Revision(0), usize::MAX).await;
        let of_stream = of_stream.expect("a healthy journal can be read");
        let revisions: Vec<u64> = of_stream.iter().map(|record| record.revision.0).collect();
        assert_eq!(revisions, (1..=6).collect::<Vec<_>>());
        assert!(
            of_stream.iter().all(|record| records.contains(record)),
            "both reads give the same records"
        );
    }
}

/// The events of one append stay adjacent and in order, however many append at once.
pub async fn events_of_one_append_stay_adjacent(journal: &dyn Journal) {
    let appends = (0..16).map(|n| {
        journal.append(append(command(n), &[("a", Expected::Any, 2), ("b", Expected::Any, 3)]))
    });
    for outcome in join_all(appends).await {
        outcome.expect("appends without expectation never conflict");
    }
    let records = everything(journal).await;
    assert_eq!(records.len(), 16 * 5);
    for group in records.chunks(5) {
        assert!(group.iter().all(|record| record.command == group[0].command), "adjacent");
        let streams: String = group.iter().map(|record| record.stream.as_str()).collect();
        assert_eq!(streams, "aabbb", "in order");
    }
}

/// Of one append over two streams, nothing is stored when one of them has moved.
pub async fn an_append_is_stored_whole_or_not_at_all(journal: &dyn Journal) {
    store(journal, 0, &[("b", Expected::Any, 1)]).await;
    let head = journal.head().await;
    let two = append(
        command(1),
        &[("a", Expected::At(Revision(0)), 2), ("b", Expected::At(Revision(0)), 1)],
    );
    assert!(matches!(journal.append(two).await, Err(AppendError::Moved { .. })));
    assert_eq!(journal.head().await, head);
    assert_eq!(journal.read_stream(&stream_id("a"), Revision(0), 9).await, Ok(vec![]));
    // A refused command is not remembered: it may be decided and sent again.
    let again = store(
        journal,
        1,
        &[("a", Expected::At(Revision(0)), 2), ("b", Expected::At(Revision(1)), 1)],
    )
    .await;
    assert_eq!((again.repeated, again.revisions), (false, vec![Revision(2), Revision(2)]));
}

/// A writer that saw an older revision learns the present one.
pub async fn a_conflict_tells_the_truth(journal: &dyn Journal) {
    store(journal, 0, &[("a", Expected::At(Revision(0)), 3)]).await;
    for (n, stale) in [(1, 2), (2, 4)] {
        let refused =
            journal.append(append(command(n), &[("a", Expected::At(Revision(stale)), 1)])).await;
        let told = AppendError::Moved {
            stream: stream_id("a"),
            expected: Revision(stale),
            actual: Revision(3),
        };
        assert_eq!(refused, Err(told));
    }
    let after = store(journal, 3, &[("a", Expected::At(Revision(3)), 1)]).await;
    assert_eq!((after.position, after.revisions), (Position(4), vec![Revision(4)]));
}

/// Of many writers that want to begin a stream, one does.
pub async fn a_stream_that_must_not_exist_is_begun_once(journal: &dyn Journal) {
    let appends =
        (0..8).map(|n| journal.append(append(command(n), &[("a", Expected::At(Revision(0)), 1)])));
    let outcomes = join_all(appends).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(everything(journal).await.len(), 1);
}

/// A command that was stored gets its first answer again, wherever its streams are by then.
pub async fn a_repeated_command_appends_nothing(journal: &dyn Journal) {
    let batches = [("b", Expected::At(Revision(0)), 2), ("a", Expected::Any, 1)];
    let first = store(journal, 0, &batches).await;
    store(journal, 1, &[("a", Expected::Any, 3), ("b", Expected::Any, 1)]).await;
    let head = journal.head().await;
    let second = store(journal, 0, &batches).await;
    assert!(second.repeated && !first.repeated);
    assert_eq!(second, crate::Appended { repeated: true, ..first });
    assert_eq!(second.revisions, [Revision(2), Revision(1)]);
    assert_eq!(journal.head().await, head);
}

/// A command that several send at the same time is stored once, and all get the same answer.
pub async fn a_command_sent_twice_at_once_is_stored_once(journal: &dyn Journal) {
    let appends =
        (0..8).map(|_| journal.append(append(command(0), &[("a", Expected::At(Revision(0)), 2)])));
    let answers: Vec<_> = join_all(appends)
        .await
        .into_iter()
        .map(|answer| answer.expect("a repetition is no conflict"))
        .collect();
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.position == Position(2) && answer.revisions == [Revision(2)])
    );
    assert_eq!(everything(journal).await.len(), 2);
}

/// An append without events, or with a stream twice, is refused and leaves nothing.
pub async fn a_misshapen_append_is_refused(journal: &dyn Journal) {
    for batches in [
        &[][..],
        &[("a", Expected::Any, 1), ("b", Expected::Any, 0)],
        &[("a", Expected::Any, 1), ("a", Expected::Any, 1)],
    ] {
        let refused = journal.append(append(command(0), batches)).await;
        assert!(matches!(refused, Err(AppendError::Malformed(_))), "{refused:?}");
    }
    assert_eq!(journal.head().await, Ok(Head::EMPTY));
}

/// Each record's digest covers the record and the digest before it; the head is the last.
pub async fn every_record_is_linked_to_the_one_before(journal: &dyn Journal) {
    join_all((0..20).map(async |n| {
        store(journal, n, &[(["a", "b", "c"][n as usize % 3], Expected::Any, 2)]).await
    }))
    .await;
    let mut verifier = ChainVerifier::default();
    for record in everything(journal).await {
        assert_eq!(verifier.push(&record), Ok(()));
    }
    let (position, digest) = verifier.head();
    assert_eq!(journal.head().await, Ok(Head { position, digest }));
    assert!(position == Position(40) && digest != Digest::ZERO);
}

/// Data, kinds, versions and times come back as they were given.
pub async fn events_are_kept_to_the_byte(journal: &dyn Journal) {
    let texts = ["", "{ \"a\" :1}\n", "null", "\"\u{0}\u{1f600}é\\u0000\"", &"x".repeat(100_000)];
    let events: Vec<_> = texts.iter().map(|text| event(text)).collect();
    let mut odd = event("{}");
    (odd.version, odd.kind) = (u16::MAX, "kind.of-some/length".into());
    let events: Vec<_> = events.into_iter().chain([odd]).collect();
    let stream = stream_id(&"~".repeat(200));
    let batch = Batch { stream: stream.clone(), expected: Expected::Any, events: events.clone() };
    let at = Timestamp::from_millis(u64::MAX >> 1);
    journal
        .append(Append { command: command(7), at, batches: vec![batch] })
        .await
        .expect("it is well-formed");
    for read in [
        everything(journal).await,
        journal.read_stream(&stream, Revision(0), 99).await.expect("a healthy journal can be read"),
    ] {
        assert_eq!(read.iter().map(|record| record.event.clone()).collect::<Vec<_>>(), events);
        assert!(read.iter().all(|record| record.at == at
            && record.command == command(7)
            && record.stream == stream));
    }
}

/// Reads begin after the place named and stop at their limit, and an unknown stream is empty.
pub async fn reads_stop_at_their_limit(journal: &dyn Journal) {
    for n in 0..5 {
        store(journal, n, &[("a", Expected::Any, 1), ("b", Expected::Any, 1)]).await;
    }
    for (after, limit, expected) in [
        (0, 3, vec![1, 2, 3]),
        (8, 9, vec![9, 10]),
        (10, 9, vec![]),
        (99, 9, vec![]),
        (0, 0, vec![]),
    ] {
        let read =
            journal.read_all(Position(after), limit).await.expect("a healthy journal can be read");
        assert_eq!(read.iter().map(|record| record.position.0).collect::<Vec<_>>(), expected);
    }
    for (after, limit, expected) in
        [(0, 2, vec![1, 2]), (3, 9, vec![4, 5]), (5, 9, vec![]), (99, 9, vec![]), (0, 0, vec![])]
    {
        let read = journal
            .read_stream(&stream_id("b"), Revision(after), limit)
            .await
            .expect("a healthy journal can be read");
        assert_eq!(read.iter().map(|record| record.revision.0).collect::<Vec<_>>(), expected);
    }
    assert_eq!(journal.read_stream(&stream_id("never"), Revision(0), 9).await, Ok(vec![]));
}

/// Dropping the future of an append leaves all of it or none of it, and the journal goes on.
pub async fn a_dropped_append_is_whole_or_absent(journal: &dyn Journal) {
    for n in 0..40 {
        let mut future =
            journal.append(append(command(n), &[("a", Expected::Any, 2), ("b", Expected::Any, 2)]));
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(outcome) = polled {
            outcome.expect("appends without expectation never conflict");
        }
    }
    let last = store(journal, 40, &[("a", Expected::Any, 2), ("b", Expected::Any, 2)]).await;
    let records = everything(journal).await;
    assert_eq!((last.position.0 as usize, records.len() % 4), (records.len(), 0));
    for group in records.chunks(4) {
        assert!(group.iter().all(|record| record.command == group[0].command));
    }
}
