//! A cell under every order in which threads can meet it with a few switches, found by the checker `loom`: no run here is a
//! sample. Each model is named for the promise that it holds. A thread that is never woken again is told as a deadlock.
//!
//! `cargo xtask test` runs them, and `cargo test -p bottega-actor --features loom --lib models::` them alone.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use loom::future::block_on;
use loom::sync::Notify;
use loom::thread;

use super::{Batch, Cell, Next, Node, Order};
use crate::actor::{ActorId, Ending};
use crate::mailbox::Delivery;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::system::{Options, System};
use crate::watch::{Notice, Signal, Watch};

/// Everything that can happen with up to so many switches away from a thread that could have gone on.
const SWITCHES: usize = 3;

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(SWITCHES);
    builder.check(model);
}

fn cell(id: u64, capacity: usize) -> Arc<Cell<u32>> {
    let system = System::new(Options::default());
    let system = Arc::clone(system.inner());
    Arc::new(Cell::new(system, ActorId(id), (None, "model", None), capacity))
}

/// What a batch gave.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Message(u32),
    Signal,
    Order(Order),
}

fn next(batch: &mut Batch<'_, u32>) -> Got {
    match block_on(batch.next()) {
        Next::Message(message) => Got::Message(message),
        Next::Notice(Notice::Watch(_)) => Got::Signal,
        Next::Notice(Notice::Child(_)) => panic!("nobody reports here"),
        Next::Order(order) => Got::Order(order),
    }
}

/// Everything until an order, and that order.
fn all(batch: &mut Batch<'_, u32>) -> (Vec<u32>, Order) {
    let mut messages = Vec::new();
    loop {
        match next(batch) {
            Got::Message(message) => messages.push(message),
            Got::Signal => {}
            Got::Order(order) => return (messages, order),
        }
    }
}

fn down(id: u64) -> Notice {
    let down = crate::watch::Down { id: ActorId(id), name: None, ending: Ending::Normal };
    Notice::Watch(Signal::Down(down))
}

#[test]
fn a_message_wakes_the_actor_whenever_it_comes_and_those_of_one_sender_keep_their_order() {
    check(|| {
        let cell = cell(1, 8);
        let (first, _) = cell.begin();
        let sender = thread::spawn({
            let cell = Arc::clone(&cell);
            move || (1..=2).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted))
        });
        let mut batch = cell.batch(first);
        assert_eq!(next(&mut batch), Got::Message(1));
        assert_eq!(next(&mut batch), Got::Message(2));
        sender.join().unwrap();
    });
}

#[test]
fn who_waits_for_room_gets_it() {
    check(|| {
        let cell = cell(1, 1);
        let (first, _) = cell.begin();
        assert_eq!(cell.tell(1), Delivery::Accepted);
        let sender = thread::spawn({
            let cell = Arc::clone(&cell);
            move || (2..=3).for_each(|number| assert_eq!(block_on(cell.post(number)), Ok(())))
        });
        let mut batch = cell.batch(first);
        (1..=3).for_each(|number| assert_eq!(next(&mut batch), Got::Message(number)));
        sender.join().unwrap();
    });
}

#[test]
fn who_waits_for_room_gets_it_while_the_actor_waits_in_its_work() {
    check(|| {
        let cell = cell(1, 1);
        let (first, _) = cell.begin();
        assert_eq!(cell.tell(1), Delivery::Accepted);
        let sender = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                assert_eq!(block_on(cell.post(2)), Ok(()));
                cell.order(Order::Kill);
            }
        });
        let mut batch = cell.batch(first);
        assert_eq!(next(&mut batch), Got::Message(1));
        // The work on it ends by the kill alone, which comes after the second message found room.
        block_on(poll_fn(|context| {
            if cell.poll_kill(first, context) { Poll::Ready(()) } else { Poll::Pending }
        }));
        sender.join().unwrap();
    });
}

#[test]
fn who_gives_up_waiting_for_room_passes_it_on() {
    check(|| {
        let cell = cell(1, 1);
        let (first, _) = cell.begin();
        assert_eq!(cell.tell(1), Delivery::Accepted);
        // Both wait, in this order.
        let [impatient, patient] = [2, 3].map(|number| {
            let cell = Arc::clone(&cell);
            let mut post = Box::pin(async move { cell.post(number).await });
            block_on(poll_fn(|context| {
                assert!(post.as_mut().poll(context).is_pending());
                Poll::Ready(())
            }));
            post
        });
        let leaver = thread::spawn(move || drop(impatient));
        let patient = thread::spawn(move || assert_eq!(block_on(patient), Ok(())));
        let mut batch = cell.batch(first);
        assert_eq!(next(&mut batch), Got::Message(1));
        // The actor computes: it looks at nobody who waits before it is done.
        patient.join().unwrap();
        assert_eq!(next(&mut batch), Got::Message(3));
        leaver.join().unwrap();
    });
}

#[test]
fn what_was_accepted_before_a_drain_is_dealt_with_and_nothing_after() {
    check(|| {
        let cell = cell(1, 8);
        let (first, _) = cell.begin();
        let sender = thread::spawn({
            let cell = Arc::clone(&cell);
            move || (1..=2).filter(|&number| cell.tell(number) == Delivery::Accepted).collect()
        });
        let stopper = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.order(Order::Drain)
        });
        let mut batch = cell.batch(first);
        let (messages, order) = all(&mut batch);
        assert_eq!(order, Order::Drain);
        let accepted: Vec<u32> = sender.join().unwrap();
        assert_eq!(messages, accepted);
        stopper.join().unwrap();
        assert_eq!(cell.tell(3), Delivery::Gone(3));
    });
}

#[test]
fn a_signal_that_was_given_goes_before_messages() {
    check(|| {
        let cell = cell(1, 8);
        let (first, _) = cell.begin();
        (1..=3).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted));
        let given = Arc::new(AtomicBool::new(false));
        let watched = thread::spawn({
            let (cell, given) = (Arc::clone(&cell), Arc::clone(&given));
            move || {
                cell.notice(down(2));
                given.store(true, Ordering::Release);
            }
        });
        let mut batch = cell.batch(first);
        let mut signals = 0;
        let mut messages = Vec::new();
        while messages.len() < 3 || signals == 0 {
            let was_given = given.load(Ordering::Acquire);
            match next(&mut batch) {
                Got::Signal => signals += 1,
                Got::Message(message) => {
                    assert!(!was_given || signals == 1, "the signal waits for a message");
                    messages.push(message);
                }
                Got::Order(order) => panic!("nobody ordered to {order:?}"),
            }
        }
        assert_eq!((messages, signals), (vec![1, 2, 3], 1));
        watched.join().unwrap();
    });
}

#[test]
fn a_kill_that_was_ordered_goes_before_signals_and_messages() {
    check(|| {
        let cell = cell(1, 8);
        let (first, _) = cell.begin();
        (1..=2).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted));
        cell.notice(down(2));
        let given = Arc::new(AtomicBool::new(false));
        let killer = thread::spawn({
            let (cell, given) = (Arc::clone(&cell), Arc::clone(&given));
            move || {
                cell.order(Order::Kill);
                given.store(true, Ordering::Release);
            }
        });
        let mut batch = cell.batch(first);
        loop {
            let was_given = given.load(Ordering::Acquire);
            match next(&mut batch) {
                Got::Order(order) => {
                    assert_eq!(order, Order::Kill);
                    break;
                }
                got @ (Got::Message(_) | Got::Signal) => assert!(!was_given, "{got:?} went first"),
            }
        }
        killer.join().unwrap();
    });
}

#[test]
fn a_kill_reaches_work_that_waits() {
    check(|| {
        let cell = cell(1, 8);
        let (first, _) = cell.begin();
        let killer = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.order(Order::Kill)
        });
        block_on(poll_fn(|context| {
            if cell.poll_kill(first, context) { Poll::Ready(()) } else { Poll::Pending }
        }));
        killer.join().unwrap();
    });
}

#[test]
fn a_watch_is_told_once_or_refused() {
    check(|| {
        let (watched, watcher) = (cell(1, 8), cell(2, 8));
        let (first, _) = watched.begin();
        let interested = thread::spawn({
            let (watched, watcher) = (Arc::clone(&watched), Arc::clone(&watcher));
            move || {
                let watcher: Arc<dyn Node> = watcher;
                usize::from(watched.watch(Watch::Monitor(Arc::downgrade(&watcher))).is_ok())
            }
        });
        let told = watched.incarnation_over(first, &Ending::Normal).map_or(0, |all| all.len());
        assert_eq!(interested.join().unwrap(), told);
        assert!(watched.incarnation_over(first, &Ending::Normal).is_some_and(|all| all.is_empty()));
    });
}

#[test]
fn an_incarnation_that_was_left_behind_loses_no_message_and_gives_none_twice() {
    const MESSAGES: usize = 2;
    check(|| {
        let cell = cell(1, 8);
        let (first, _) = cell.begin();
        (1..=2).for_each(|number| assert_eq!(cell.tell(number), Delivery::Accepted));
        let mut stale = cell.batch(first);
        assert_eq!(next(&mut stale), Got::Message(1));
        let begun = Arc::new(Notify::new());
        let handled = Arc::new(AtomicUsize::new(1));
        let successor = thread::spawn({
            let (cell, begun, handled) =
                (Arc::clone(&cell), Arc::clone(&begun), Arc::clone(&handled));
            move || {
                cell.order(Order::Kill);
                let (second, _) = cell.begin();
                begun.notify();
                let mut batch = cell.batch(second);
                let mut messages = Vec::new();
                while handled.load(Ordering::SeqCst) < MESSAGES {
                    match next(&mut batch) {
                        Got::Message(message) => {
                            messages.push(message);
                            handled.fetch_add(1, Ordering::SeqCst);
                        }
                        Got::Order(Order::Drain) => break,
                        got @ (Got::Signal | Got::Order(_)) => panic!("nobody asked for {got:?}"),
                    }
                }
                messages
            }
        });
        let mut every = vec![1];
        loop {
            match next(&mut stale) {
                Got::Message(message) => {
                    every.push(message);
                    handled.fetch_add(1, Ordering::SeqCst);
                }
                Got::Order(Order::Kill) => break,
                got @ (Got::Signal | Got::Order(_)) => panic!("nobody asked for {got:?}"),
            }
        }
        drop(stale);
        if every.len() == MESSAGES {
            // There is nothing left for the next one, which may wait for it.
            begun.wait();
            cell.order(Order::Drain);
        }
        every.extend(successor.join().unwrap());
        assert_eq!(every, [1, 2]);
    });
}
