//! The way to an actor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::actor::{ActorId, Ending};
use crate::cell::{Cell, Node, Order};
use crate::mailbox::Delivery;
use crate::watch::Watch;

/// Where to send an actor's messages. Cheap to clone; holding one keeps no actor alive. It stays good through restarts.
pub struct Ref<M>(pub(crate) Arc<Cell<M>>);

impl<M> Clone for Ref<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> fmt::Debug for Ref<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({}, {:?})", self.0.head.id, self.0.head.name)
    }
}

/// The same actor, through whichever reference.
impl<M> PartialEq for Ref<M> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<M> Eq for Ref<M> {}

/// A reference to an actor, whatever its messages are.
pub trait AnyRef: sealed::Sealed {}

impl<T: sealed::Sealed> AnyRef for T {}

pub(crate) mod sealed {
    use super::{Arc, Cell, Node, Ref};

    pub trait Sealed {
        #[doc(hidden)]
        #[expect(private_interfaces, reason = "only this crate calls it")]
        fn node(&self) -> Arc<dyn Node>;
    }

    impl<M: Send + 'static> Sealed for Ref<M> {
        #[expect(private_interfaces, reason = "only this crate calls it")]
        fn node(&self) -> Arc<dyn Node> {
            let cell: Arc<Cell<M>> = Arc::clone(&self.0);
            cell
        }
    }
}

/// Where the answer to one question goes. Dropping it tells the asker that there will be none.
#[derive(Debug)]
#[must_use = "dropping it leaves the question unanswered"]
pub struct Reply<T>(oneshot::Sender<T>);

impl<T> Reply<T> {
    /// Answers. An asker that no longer waits is no error.
    pub fn send(self, answer: T) {
        drop(self.0.send(answer));
    }

    /// Whether the asker gave up, so that the work can be saved.
    #[must_use]
    pub fn is_unwanted(&self) -> bool {
        self.0.is_closed()
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The actor is over; it never saw the question.
    #[error("the actor is gone")]
    Gone,
    /// It may still answer, or deal with the question later: nobody hears it.
    #[error("no answer in time")]
    TimedOut,
    /// The actor dropped the question: it crashed over it, or chose not to answer.
    #[error("the actor dropped the question")]
    Unanswered,
}

/// How stopping an actor went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It ended in time, so.
    InTime(Ending),
    /// It was killed at the deadline.
    Killed,
    /// It holds its thread and can't be ended: nothing reaches it any more, and it ends when it lets go.
    Abandoned,
}

/// How long a killed actor may take to reach its next await point.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

impl<M: Send + 'static> Ref<M> {
    /// Puts a message in the mailbox if there is room. Never waits, allocates nothing unless the mailbox grows.
    pub fn tell(&self, message: M) -> Delivery<M> {
        self.0.tell(message)
    }

    /// Puts a message in front of all that were not taken out of the mailbox yet, whether there is room or not: for the few
    /// that are about the actor itself and can't wait for the end of its work. `Err` gives it back when the actor is gone.
    pub fn tell_first(&self, message: M) -> Result<(), M> {
        self.0.put_first(message)
    }

    /// Puts a message in the mailbox, waiting for room. `Err` gives it back when the actor is gone. Dropping the future
    /// sends nothing; [`within`](crate::within) gives it a deadline.
    pub async fn post(&self, message: M) -> Result<(), M> {
        self.0.post(message).await
    }

    /// Asks a question and waits for the answer, no longer than `span` for room and answer together.
    pub async fn ask<T>(
        &self,
        span: Duration,
        question: impl FnOnce(Reply<T>) -> M,
    ) -> Result<T, AskError> {
        let (reply, answer) = oneshot::channel();
        let message = match self.0.tell(question(Reply(reply))) {
            Delivery::Accepted => {
                return match tokio::time::timeout(span, answer).await {
                    Ok(answer) => answer.map_err(|_| AskError::Unanswered),
                    Err(_) => Err(AskError::TimedOut),
                };
            }
            Delivery::Gone(_) => return Err(AskError::Gone),
            Delivery::Full(message) => message,
        };
        let asked = async {
            self.0.post(message).await.map_err(|_| AskError::Gone)?;
            answer.await.map_err(|_| AskError::Unanswered)
        };
        tokio::time::timeout(span, asked).await.unwrap_or(Err(AskError::TimedOut))
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.0.head.id
    }

    /// Its name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.head.name.as_deref()
    }

    /// Whether it accepts nothing any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.0.is_open()
    }

    /// Stops the present incarnation: what was accepted is dealt with, nothing more is accepted. At the deadline it is
    /// killed. A permanent child is begun anew by its supervisor, as after any end; to end a child for good, ask
    /// [`SupervisorRef::stop`](crate::SupervisorRef::stop).
    pub async fn stop(&self, span: Duration) -> Stopped {
        let node: Arc<dyn Node> = Arc::clone(&self.0) as _;
        stop(&*node, span).await
    }

    /// Ends the present incarnation at its next await point. Returns at once.
    pub fn kill(&self) {
        self.0.order(Order::Kill);
    }

    /// Waits for the end of the present incarnation. Dropping the future changes nothing.
    pub async fn ended(&self) -> Ending {
        let (waiter, end) = oneshot::channel();
        match self.0.watch(Watch::Waiter(waiter)) {
            Ok(()) => end.await.unwrap_or(Ending::Killed),
            Err(_) => Ending::Killed,
        }
    }
}

/// Stops any actor, and waits for it.
pub(crate) async fn stop(node: &dyn Node, span: Duration) -> Stopped {
    let (waiter, mut end) = oneshot::channel();
    if node.watch(Watch::Waiter(waiter)).is_err() {
        return Stopped::InTime(Ending::Normal);
    }
    node.order(Order::Drain);
    if let Some(ending) = crate::within(span, &mut end).await {
        return Stopped::InTime(ending.unwrap_or(Ending::Killed));
    }
    node.order(Order::Kill);
    match crate::within(KILL_GRACE, end).await {
        Some(_) => Stopped::Killed,
        None => Stopped::Abandoned,
    }
}
