//! Tasks, mailboxes and waiting: the one room that starts tasks.
//!
//! What it is: bounded mailboxes ([`mailbox`]), named tasks that contain their panics ([`Tasks`],
//! [`spawn`]), and waiting, in order of arrival where that matters ([`Line`]).
//! What it is not: it knows no agents and no messages of theirs.
//!
//! One actor: [`spawn`] starts its loop; others hold its [`Address`]; it owns its [`Mailbox`] and the
//! [`Tasks`] it started, and when it goes, they go.
//!
//! Invariants
//! * Every mailbox is bounded, and a full one returns the message.
//! * A panic ends the task it happened in, and is told to whoever started it.
//! * Dropping the owner of a task cancels it.

mod line;
mod mailbox;
mod task;

pub use line::{Line, Place};
pub use mailbox::{Address, Delivery, Mailbox, mailbox};
pub use task::{Ended, Running, TaskKind, Tasks, contained, spawn};

/// Waits until `span` has passed on the runtime's clock, which tests can move by hand.
pub async fn sleep(span: std::time::Duration) {
    tokio::time::sleep(span).await;
}

/// `future`'s result, or `None` when it takes longer than `span`.
pub async fn within<F: Future>(span: std::time::Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(span, future).await.ok()
}
