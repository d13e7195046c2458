//! Promises of [`Journal::subscribe`].

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bottega_event::{Position, Record};
use futures::{StreamExt, future};

use super::{append, command};
use crate::{Expected, Journal, Subscription};

async fn store(journal: &dyn Journal, n: u64) {
    journal
        .append(append(command(n), &[("a", Expected::Any, 1)]))
        .await
        .expect("nothing stands in the way");
}

async fn subscribe(journal: &dyn Journal, after: u64) -> Subscription {
    journal.subscribe(Position(after)).await.expect("an open journal can be subscribed to")
}

async fn next(subscription: &mut Subscription) -> Arc<Record> {
    subscription
        .next()
        .await
        .expect("a subscription has no end")
        .expect("a healthy journal can be read")
}

/// First what is stored after the place named, then what is appended, without a gap.
pub async fn a_subscription_gives_what_was_stored_then_what_comes(journal: &dyn Journal) {
    for n in 0..5 {
        store(journal, n).await;
    }
    let mut subscription = subscribe(journal, 2).await;
    for n in 5..10 {
        store(journal, n).await;
    }
    for position in 3..=10 {
        assert_eq!(next(&mut subscription).await.position, Position(position));
    }
}

/// Somebody who waits at the end of the journal is woken by an append, and not before.
pub async fn a_waiting_subscription_is_woken(journal: &dyn Journal) {
    let mut subscription = subscribe(journal, 0).await;
    for n in 0..20 {
        let early = subscription.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
        assert!(early.is_pending(), "there is nothing yet: {early:?}");
        let (record, ()) = future::join(next(&mut subscription), store(journal, n)).await;
        assert_eq!(record.command, command(n));
    }
}

/// A subscriber that does not look for long gets everything later, and appends don't wait for it.
pub async fn a_slow_subscriber_misses_nothing_and_slows_nobody(journal: &dyn Journal) {
    let mut slow = subscribe(journal, 0).await;
    let before = slow.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(before, Poll::Pending));
    future::join_all((0..1000).map(|n| store(journal, n))).await;
    for position in 1..=1000 {
        assert_eq!(next(&mut slow).await.position, Position(position));
    }
}

/// Subscriptions don't take records from each other.
pub async fn every_subscriber_gets_everything(journal: &dyn Journal) {
    let mut subscriptions =
        [subscribe(journal, 0).await, subscribe(journal, 0).await, subscribe(journal, 0).await];
    drop(subscribe(journal, 0).await);
    let reading = future::join_all(subscriptions.iter_mut().map(async |subscription| {
        for position in 1..=50 {
            assert_eq!(next(subscription).await.position, Position(position));
        }
    }));
    let writing = async {
        for n in 0..50 {
            store(journal, n).await;
        }
    };
    future::join(reading, writing).await;
}
