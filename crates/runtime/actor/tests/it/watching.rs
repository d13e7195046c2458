//! Monitors and links.

use std::time::Duration;

use bottega_actor::{Ending, Signal};
use tokio::sync::oneshot;

use crate::rig::{Do, Flaw, Rig, tell};

/// `a` does `tie` to `b`, which then does `end`; what is said from then on.
async fn check(flaw: Flaw, tie: fn(bottega_actor::Ref<Do>) -> Do, end: Do, expected: &str) {
    let rig = Rig::new();
    let (a, b) = (rig.flawed("a", flaw), rig.worker("b"));
    tell(&a, tie(b.clone()));
    rig.settled().await;
    tell(&b, end);
    assert_eq!(rig.settled().await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_monitor_is_told_of_the_end() {
    check(
        Flaw::None,
        Do::Monitor,
        Do::Panic,
        "b crashed in Handle: panic, message Lost; b is over: crashed: panic; a saw b end crashed: panic",
    )
    .await;
    check(
        Flaw::None,
        Do::Monitor,
        Do::Leave,
        "b stop; b is over: as it should; a saw b end as it should",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_passes_a_crash_on_unless_it_is_trapped() {
    check(
        Flaw::None,
        Do::Link,
        Do::Fail,
        "b crashed in Handle: fault, message Lost; b is over: crashed: fault; \
         a feels b end crashed: fault; a crashed in Signal: because of b, message Nothing; \
         a is over: crashed: because of b",
    )
    .await;
    check(
        Flaw::Traps,
        Do::Link,
        Do::Fail,
        "b crashed in Handle: fault, message Lost; b is over: crashed: fault; a feels b end crashed: fault",
    )
    .await;
    check(
        Flaw::None,
        Do::Link,
        Do::Leave,
        "b stop; b is over: as it should; a feels b end as it should",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_link_holds_both_ways() {
    let rig = Rig::new();
    let (a, b) = (rig.worker("a"), rig.flawed("b", Flaw::Traps));
    tell(&a, Do::Link(b));
    rig.settled().await;
    a.kill();
    assert_eq!(rig.settled().await, "a is over: killed; b feels a end killed");
}

#[tokio::test(start_paused = true)]
async fn who_watches_the_dead_is_told_at_once() {
    let rig = Rig::new();
    let (a, b) = (rig.worker("a"), rig.worker("b"));
    b.stop(Duration::from_secs(1)).await;
    tell(&a, Do::Monitor(b));
    assert!(rig.settled().await.ends_with("a saw b end killed"));
}

#[tokio::test(start_paused = true)]
async fn signals_go_before_messages() {
    let rig = Rig::new();
    let (a, b) = (rig.worker("a"), rig.worker("b"));
    let (open, gate) = oneshot::channel();
    tell(&a, Do::Monitor(b.clone()));
    tell(&a, Do::Wait(gate));
    (0..3).for_each(|number| tell(&a, Do::Note(number)));
    rig.settled().await;
    b.kill();
    assert_eq!(b.ended().await, Ending::Killed);
    open.send(()).unwrap();
    let said = rig.settled().await;
    assert_eq!(said, "b is over: killed; a lets go; a saw b end killed; a 0; a 1; a 2");
}

/// Watches, then takes it back.
struct Fickle(bottega_actor::Ref<Do>, crate::rig::Log);

impl bottega_actor::Actor for Fickle {
    type Message = ();

    async fn handle(
        &mut self,
        (): (),
        context: &mut bottega_actor::Context<()>,
    ) -> Result<(), bottega_actor::Fault> {
        context.monitor(&self.0)?;
        context.link(&self.0)?;
        context.unwatch(&self.0);
        Ok(())
    }

    async fn signal(
        &mut self,
        signal: Signal,
        _: &mut bottega_actor::Context<()>,
    ) -> Result<(), bottega_actor::Fault> {
        self.1.line(format!("{signal:?}"));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_was_taken_back_is_not_told() {
    let rig = Rig::new();
    let b = rig.worker("b");
    let fickle = Fickle(b.clone(), rig.log.clone());
    let fickle = rig.system.spawn(bottega_actor::Spawn::named("f"), fickle).unwrap();
    let _ = fickle.tell(());
    rig.settled().await;
    b.kill();
    assert_eq!(rig.settled().await, "b is over: killed");
    assert!(!fickle.is_gone());
}
