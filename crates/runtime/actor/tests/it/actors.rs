//! One actor: order, priority, room, stopping, panics.

use std::time::Duration;

use bottega_actor::{Delivery, Ending, NameTaken, Spawn, State, Stopped};
use tokio::sync::oneshot;

use crate::rig::{Bomb, Do, Flaw, Rig, pass, tell};

#[tokio::test(start_paused = true)]
async fn messages_are_dealt_with_in_the_order_of_their_sender() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    (0..5).for_each(|number| tell(&worker, Do::Note(number)));
    assert_eq!(rig.settled().await, "a init; a started 1; a 0; a 1; a 2; a 3; a 4");
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_returns_the_message_and_the_sender_may_wait() {
    let rig = Rig::new();
    let log = rig.log.clone();
    let name = Spawn::named("a").capacity(2);
    let worker = rig.system.spawn(name, Gate(log)).unwrap();
    let (open, gate) = oneshot::channel();
    assert!(matches!(worker.tell(Pass::Wait(gate)), Delivery::Accepted));
    rig.settled().await;
    // The message in hand takes no room.
    for number in [1, 2] {
        assert!(matches!(worker.tell(Pass::Note(number)), Delivery::Accepted));
    }
    assert!(matches!(worker.tell(Pass::Note(3)), Delivery::Full(Pass::Note(3))));
    let senders: Vec<_> = [3, 4]
        .into_iter()
        .map(|number| {
            let worker = worker.clone();
            let post = async move { worker.post(Pass::Note(number)).await.is_ok() };
            bottega_actor::spawn(bottega_actor::TaskKind::Alarm, post)
        })
        .collect();
    rig.settled().await;
    let mut given_up = Box::pin(worker.post(Pass::Note(9)));
    assert!(futures::poll!(given_up.as_mut()).is_pending());
    drop(given_up);
    open.send(()).unwrap();
    assert_eq!(rig.settled().await, "1; 2; 3; 4");
    for sender in senders {
        assert_eq!(sender.ended().await, bottega_actor::Ended::Done(true));
    }
}

/// An actor with a mailbox of its own making.
struct Gate(crate::rig::Log);

#[derive(Debug)]
enum Pass {
    Note(u32),
    Wait(oneshot::Receiver<()>),
}

impl bottega_actor::Actor for Gate {
    type Message = Pass;
    async fn handle(
        &mut self,
        message: Pass,
        _: &mut bottega_actor::Context<Pass>,
    ) -> Result<(), bottega_actor::Fault> {
        match message {
            Pass::Note(number) => self.0.line(number.to_string()),
            Pass::Wait(gate) => drop(gate.await),
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_waits_learns_that_the_actor_is_gone() {
    let rig = Rig::new();
    let worker = rig.system.spawn(Spawn::default().capacity(1), Gate(rig.log.clone())).unwrap();
    let (_open, gate) = oneshot::channel();
    assert!(matches!(worker.tell(Pass::Wait(gate)), Delivery::Accepted));
    rig.settled().await;
    assert!(matches!(worker.tell(Pass::Note(1)), Delivery::Accepted));
    let mut waiting = Box::pin(worker.post(Pass::Note(2)));
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    worker.kill();
    assert!(matches!(waiting.await, Err(Pass::Note(2))));
    assert!(worker.is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_graceful_stop_deals_with_what_was_accepted_and_takes_no_more() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    [1, 2].into_iter().for_each(|number| tell(&worker, Do::Note(number)));
    let mut stopping = Box::pin(worker.stop(Duration::from_secs(1)));
    assert!(futures::poll!(stopping.as_mut()).is_pending());
    assert!(matches!(worker.tell(Do::Note(3)), Delivery::Gone(Do::Note(3))));
    assert_eq!(stopping.await, Stopped::InTime(Ending::Normal));
    let said = rig.settled().await;
    assert_eq!(said, "a init; a started 1; a 1; a 2; a stop; a is over: as it should");
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_takes_too_long_becomes_a_kill() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    let (_open, gate) = oneshot::channel();
    tell(&worker, Do::Wait(gate));
    tell(&worker, Do::Note(1));
    assert_eq!(worker.stop(Duration::from_secs(1)).await, Stopped::Killed);
    assert_eq!(rig.settled().await, "a init; a started 1; a lets go; a is over: killed");
}

#[tokio::test(start_paused = true)]
async fn a_kill_goes_before_all_messages() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    tell(&worker, Do::Note(1));
    worker.kill();
    assert_eq!(worker.ended().await, Ending::Killed);
    assert_eq!(rig.settled().await, "a init; a started 1; a is over: killed");
}

#[tokio::test(start_paused = true)]
async fn who_stops_by_itself_ends_as_it_should() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    tell(&worker, Do::Leave);
    tell(&worker, Do::Note(1));
    let said = rig.settled().await;
    assert_eq!(said, "a init; a started 1; a stop; a is over: as it should");
}

/// A worker with a flaw, that is told one thing and then to stop, ends as `expected`, and its system goes on.
async fn check_contained(flaw: Flaw, message: Option<Do>, expected: &str) {
    let rig = Rig::new();
    let worker = rig.flawed("a", flaw);
    if let Some(message) = message {
        tell(&worker, message);
    }
    worker.stop(Duration::from_secs(1)).await;
    assert_eq!(rig.settled().await, expected);
    let other = rig.worker("a");
    assert_eq!(other.ask(Duration::from_secs(1), Do::Answer).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_ends_that_actor_alone() {
    check_contained(
        Flaw::InitPanics,
        None,
        "a init; a crashed in Init: no init, message Nothing; a is over: crashed: no init",
    )
    .await;
    check_contained(
        Flaw::None,
        Some(Do::Panic),
        "a init; a started 1; a crashed in Handle: panic, message Lost; a is over: crashed: panic",
    )
    .await;
    check_contained(
        Flaw::StopPanics,
        None,
        "a init; a started 1; a stop; a crashed in Stop: no stop, message Nothing; a is over: crashed: no stop",
    )
    .await;
    check_contained(
        Flaw::DropPanics,
        None,
        "a init; a started 1; a stop; a crashed in Drop: no drop, message Nothing; a is over: crashed: no drop",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_drop_after_a_panic_is_contained_as_well() {
    check_contained(
        Flaw::DropPanics,
        Some(Do::Panic),
        "a init; a started 1; a crashed in Handle: panic, message Lost; \
         a crashed in Drop: no drop, message Nothing; a is over: crashed: panic",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_panic_when_dropped_are_contained() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    [1, 2].into_iter().for_each(|_| tell(&worker, Do::Bomb(Bomb(rig.log.clone()))));
    assert_eq!(
        rig.settled().await,
        "a init; a started 1; bomb; a crashed in Handle: a bomb, message Lost; bomb; a is over: crashed: a bomb"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_belongs_to_one_living_actor() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    let again = rig.system.spawn(Spawn::named("a"), Gate(rig.log.clone()));
    assert_eq!(again.unwrap_err(), NameTaken("a".into()));
    assert!(rig.system.find::<Do>("a").is_some());
    assert!(rig.system.find::<Pass>("a").is_none());
    worker.stop(Duration::from_secs(1)).await;
    rig.settled().await;
    assert!(rig.system.find::<Do>("a").is_none());
    assert!(rig.system.spawn(Spawn::named("a"), Gate(rig.log.clone())).is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_actors_own_children_end_with_it() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    tell(&worker, Do::Spawn("b"));
    rig.settled().await;
    let tree = rig.system.tree();
    assert_eq!(tree[1].parent, Some(worker.id()));
    worker.stop(Duration::from_secs(1)).await;
    let said = rig.settled().await;
    assert_eq!(said, "a stop; a is over: as it should; b is over: killed");
    assert!(rig.system.tree().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_tree_shows_each_actor() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    let (_open, gate) = oneshot::channel();
    [Do::Note(1), Do::Wait(gate), Do::Note(2), Do::Note(3)]
        .into_iter()
        .for_each(|message| tell(&worker, message));
    rig.settled().await;
    let tree = rig.system.tree();
    let [view] = &tree[..] else { panic!("{tree:?}") };
    assert_eq!((view.kind, view.state, view.parent), ("worker", State::Running, None));
    assert_eq!((view.depth, view.capacity, view.handled), (2, bottega_actor::CAPACITY, 1));
    assert_eq!((view.restarts, view.started_at.as_millis()), (0, 1000));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_the_last_born_first_and_kills_at_its_deadline() {
    let rig = Rig::new();
    let (first, stuck) = (rig.worker("a"), rig.worker("b"));
    rig.worker("c");
    let (_open, gate) = oneshot::channel();
    tell(&stuck, Do::Wait(gate));
    rig.settled().await;
    let log = rig.log.clone();
    let left = rig.system.shutdown(Duration::from_secs(1)).await;
    assert_eq!(left.killed, [stuck.id(), first.id()]);
    pass(Duration::from_millis(1)).await;
    assert_eq!(
        log.take(),
        "c stop; c is over: as it should; b lets go; b is over: killed; a is over: killed"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_system_kills_all() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    rig.settled().await;
    drop(rig.system);
    assert_eq!(worker.ended().await, Ending::Killed);
}
