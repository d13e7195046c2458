//! Questions and answers.

use std::time::Duration;

use bottega_actor::{AskError, Spawn};
use tokio::sync::oneshot;

use crate::rig::{Do, Flaw, Rig, tell};

const SPAN: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_question_is_answered() {
    let rig = Rig::new();
    assert_eq!(rig.worker("a").ask(SPAN, Do::Answer).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_question_has_a_deadline() {
    let rig = Rig::new();
    let worker = rig.flawed("a", Flaw::InitHangs);
    assert_eq!(worker.ask(SPAN, Do::Answer).await, Err(AskError::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_waiting_for_room() {
    let rig = Rig::new();
    let log = rig.log.clone();
    let small = Spawn::named("a").capacity(1);
    let worker =
        rig.system.spawn(small, crate::rig::Worker::new("a", log, Flaw::InitHangs)).unwrap();
    tell(&worker, Do::Note(1));
    assert_eq!(worker.ask(SPAN, Do::Answer).await, Err(AskError::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn who_asks_the_dead_is_told_at_once() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    worker.stop(SPAN).await;
    assert_eq!(worker.ask(SPAN, Do::Answer).await, Err(AskError::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_answer_is_told() {
    let rig = Rig::new();
    let worker = rig.worker("a");
    let (open, gate) = oneshot::channel();
    [Do::Wait(gate), Do::Panic].into_iter().for_each(|message| tell(&worker, message));
    let mut asking = Box::pin(worker.ask(SPAN, Do::Answer));
    assert!(futures::poll!(asking.as_mut()).is_pending());
    drop(open);
    assert_eq!(asking.await, Err(AskError::Unanswered));
}
