//! Actors, and the tasks that they are made of: the one room that starts tasks.
//!
//! What it is: typed actors with bounded mailboxes ([`Actor`], [`Ref`]), supervisors over them ([`Supervisor`]), a place
//! for both ([`System`]), a guard before what lies outside ([`Circuit`]); below that, named tasks that contain their panics
//! ([`Tasks`], [`spawn`]), mailboxes for loops that are written by hand ([`mailbox`]) and waiting ([`Line`]).
//! What it is not: it knows no agents and no messages of theirs, stores nothing and logs nothing: whoever keeps a record
//! hands in an [`Observer`].
//!
//! One message: [`Ref::tell`] → the mailbox of the actor's cell → taken in a batch by its task → [`Actor::handle`]. One
//! crash: the words go to the observer, the rest of the batch back to the mailbox, the end to whoever watches and to the
//! supervisor → its plan (pure) says whom to stop and to start → its desk does that → the next incarnation takes the same
//! mailbox. [`System::tree`] shows all of it.
//!
//! Invariants
//! * Every mailbox is bounded, and a full one returns the message.
//! * A panic ends the task it happened in, and is told to whoever started it.
//! * Dropping the owner of a task cancels it. Actors end with their [`System`].
//! * What a supervisor decides, it decides without a clock, a task or a random draw of its own.
//!
//! What the runtime promises, each with its test, is told in [`promises`].

pub mod promises;

mod actor;
mod cell;
mod circuit;
mod context;
mod life;
mod line;
mod mailbox;
mod observation;
mod reference;
mod registry;
mod supervision;
mod sync;
mod system;
mod task;
mod tie;
mod tree;
mod watch;

pub use actor::{Actor, ActorId, Ending, Fault};
pub use circuit::{Circuit, CircuitError, CircuitOptions, CircuitState};
pub use context::Context;
pub use line::{Line, Place};
pub use mailbox::{Address, Delivery, Mailbox, mailbox};
pub use observation::{During, InHand, LifeEvent, Observation, Observer};
pub use reference::{AnyRef, AskError, Ref, Reply, Stopped};
pub use registry::NameTaken;
pub use supervision::{
    Backoff, ChildSpec, GaveUp, Intensity, OnStuck, Restart, StartError, Strategy, Supervisor,
    SupervisorRef,
};
pub use system::{CAPACITY, Leftovers, Options, Spawn, System};
pub use task::{Ended, Running, TaskKind, Tasks, contained, send_off, spawn, to_its_end};
pub use tree::{ActorView, State};
pub use watch::{Down, Signal, TooManyWatches};

/// Lets others have the thread when this task has done much without waiting for anything: what never has to wait is still
/// one of many.
pub async fn take_turns() {
    tokio::task::coop::consume_budget().await;
}

/// Waits until `span` has passed on the runtime's clock, which tests can move by hand.
pub async fn sleep(span: std::time::Duration) {
    tokio::time::sleep(span).await;
}

/// `future`'s result, or `None` when it takes longer than `span`.
pub async fn within<F: Future>(span: std::time::Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(span, future).await.ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// One thread, and a task that never has to wait: without turns the other one would not begin before it ended.
    #[tokio::test]
    async fn who_never_waits_lets_others_run() {
        let begun = Arc::new(AtomicBool::new(false));
        let other = Arc::clone(&begun);
        let _running = super::spawn(super::TaskKind::Clerk, async move {
            other.store(true, Ordering::Relaxed);
        });
        for _ in 0..1_000 {
            super::take_turns().await;
        }
        assert!(begun.load(Ordering::Relaxed));
    }
}
