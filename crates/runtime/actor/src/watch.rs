//! Who is told when an incarnation ends: monitors, links, and those that wait for it.

use std::sync::{Arc, Weak};

use tokio::sync::oneshot;

use crate::actor::{ActorId, Ending};
use crate::cell::Node;

/// How many monitors and links one actor may hold on others at a time, ended ones not counted. It bounds the signals that
/// can wait for it.
pub(crate) const MOST_WATCHES: usize = 65_536;

/// What an actor is told ahead of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// An actor that it [monitors](crate::Context::monitor) ended.
    Down(Down),
    /// An actor that it is [linked](crate::Context::link) to ended.
    Linked(Down),
}

/// The end of one incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// Of whom.
    pub id: ActorId,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// How. An actor that was over when it was watched is `Killed`.
    pub ending: Ending,
}

/// Refused: the actor watches as many others as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an actor watches {MOST_WATCHES} others at most; stop watching some")]
pub struct TooManyWatches;

/// One interest in an actor's end. It is told once and is over.
pub(crate) enum Watch {
    Monitor(Weak<dyn Node>),
    Link(Weak<dyn Node>),
    Waiter(oneshot::Sender<Ending>),
}

impl Watch {
    /// Whether it is of that actor; waiters are of nobody.
    pub(crate) fn is_of(&self, id: ActorId) -> bool {
        match self {
            Self::Monitor(watcher) | Self::Link(watcher) => {
                watcher.upgrade().is_some_and(|watcher| watcher.head().id == id)
            }
            Self::Waiter(_) => false,
        }
    }

    pub(crate) fn tell(self, down: &Down) {
        match self {
            Self::Monitor(watcher) => {
                if let Some(watcher) = watcher.upgrade() {
                    watcher.notice(Notice::Watch(Signal::Down(down.clone())));
                }
            }
            Self::Link(watcher) => {
                if let Some(watcher) = watcher.upgrade() {
                    watcher.unwatch(down.id);
                    watcher.notice(Notice::Watch(Signal::Linked(down.clone())));
                }
            }
            // Who no longer waits needs no answer.
            Self::Waiter(waiter) => drop(waiter.send(down.ending.clone())),
        }
    }
}

/// What waits in the priority lane.
pub(crate) enum Notice {
    /// For any actor.
    Watch(Signal),
    /// For a supervisor: how a child fares.
    Child(crate::supervision::News),
}
