//! What happens to a cell when an incarnation can't be ended and the next one is begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use super::{Cell, Next, Node, Order};
use crate::actor::{ActorId, Ending};
use crate::mailbox::Delivery;
use crate::system::{Options, System};

fn cell(capacity: usize) -> Cell<u32> {
    let system = System::new(Options::default());
    Cell::new(Arc::clone(system.inner()), ActorId(1), (None, "test", None), capacity)
}

/// The next message, or `None` when the incarnation is to end.
async fn message(batch: &mut super::Batch<'_, u32>) -> Option<u32> {
    match batch.next().await {
        Next::Message(message) => Some(message),
        Next::Order(Order::Kill) => None,
        Next::Order(_) | Next::Notice(_) => panic!("neither a message nor a kill"),
    }
}

#[tokio::test]
async fn an_incarnation_that_was_left_behind_gets_no_more_messages_and_loses_none() {
    let cell = cell(8);
    let (first, _) = cell.begin();
    (1..=3).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted));
    let mut stale = cell.batch(first);
    assert_eq!(message(&mut stale).await, Some(1));
    let (second, _) = cell.begin();
    let mut batch = cell.batch(second);
    assert_eq!(message(&mut stale).await, None);
    drop(stale);
    assert_eq!(message(&mut batch).await, Some(2));
    assert_eq!(message(&mut batch).await, Some(3));
    // Its end is nobody's business any more.
    assert!(cell.incarnation_over(first, &Ending::Killed).is_none());
    assert!(cell.incarnation_over(second, &Ending::Normal).is_some());
}

/// Notes that it was rung.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One that was left behind with two messages does that; the next one, which waits, is woken and gets that message.
async fn check_woken(gives_back: impl FnOnce(&Cell<u32>, super::Batch<'_, u32>), expected: u32) {
    let cell = cell(8);
    let (first, _) = cell.begin();
    (1..=2).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted));
    let mut stale = cell.batch(first);
    assert_eq!(message(&mut stale).await, Some(1));
    let (second, _) = cell.begin();
    let mut batch = cell.batch(second);
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    assert!(batch.poll_next(&Context::from_waker(&waker)).is_pending());
    gives_back(&cell, stale);
    assert!(bell.0.load(Ordering::Relaxed), "nobody wakes it");
    assert_eq!(message(&mut batch).await, Some(expected));
}

#[tokio::test]
async fn what_one_that_was_left_behind_gives_back_wakes_who_waits_for_it() {
    check_woken(|_, stale| drop(stale), 2).await;
    let crashed_over = |cell: &Cell<u32>, mut stale: super::Batch<'_, u32>| {
        stale.queue.clear();
        drop(stale);
        cell.redeliver(1, 1);
    };
    check_woken(crashed_over, 1).await;
}

#[tokio::test]
async fn what_was_taken_and_not_begun_goes_back_in_its_order() {
    let cell = cell(8);
    let (first, _) = cell.begin();
    (1..=3).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted));
    let mut batch = cell.batch(first);
    assert_eq!(message(&mut batch).await, Some(1));
    assert_eq!(cell.tell(4), Delivery::Accepted);
    assert_eq!(cell.depth(), 3);
    drop(batch);
    assert_eq!(cell.depth(), 3);
    let mut again = cell.batch(first);
    for expected in 2..=4 {
        assert_eq!(message(&mut again).await, Some(expected));
    }
}

#[tokio::test]
async fn room_is_counted_in_messages_that_nobody_began() {
    let cell = cell(2);
    let (first, _) = cell.begin();
    let mut batch = cell.batch(first);
    (1..=2).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted));
    assert_eq!(cell.tell(3), Delivery::Full(3));
    assert_eq!(message(&mut batch).await, Some(1));
    assert_eq!(cell.tell(3), Delivery::Accepted);
    assert_eq!(cell.tell(4), Delivery::Full(4));
    for expected in 2..=3 {
        assert_eq!(message(&mut batch).await, Some(expected));
    }
}
