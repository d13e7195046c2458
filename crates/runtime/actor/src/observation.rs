//! What happens to actors, told to whoever keeps a record of it.

use std::sync::Arc;
use std::time::Duration;

use bottega_types::Timestamp;

use crate::actor::{ActorId, Ending};

/// Is told of each event in the life of each actor.
///
/// It is called on the task that the event happens to, so it hands on and returns; messages never pass it. Events of one
/// actor come in their order. A panic of it is contained and changes nothing.
pub trait Observer: Send + Sync {
    /// Takes note.
    fn observe(&self, observation: &Observation);
}

/// One event in an actor's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// To whom.
    pub id: ActorId,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// [`Actor::KIND`](crate::Actor::KIND), or `supervisor`.
    pub kind: &'static str,
    /// Who supervises or spawned it.
    pub parent: Option<ActorId>,
    /// What.
    pub event: LifeEvent,
}

/// What can happen to an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LifeEvent {
    /// An incarnation is up: its `init` returned.
    Started {
        /// Its number, from 1.
        incarnation: u32,
    },
    /// An incarnation ended by a panic or a fault.
    Crashed {
        /// In its words.
        words: String,
        /// What it was doing.
        during: During,
        /// What became of the message in hand.
        message: InHand,
    },
    /// Its supervisor begins it anew, after `pause`.
    Restarting {
        /// How long it rests before.
        pause: Duration,
    },
    /// It took longer over one message than its [`ChildSpec`](crate::ChildSpec) allows.
    Stuck {
        /// For how long at least.
        since: Duration,
    },
    /// It can't be ended, since it holds its thread. Its supervisor goes on without it.
    Abandoned,
    /// This supervisor had to restart its children more often than its intensity allows. It ends as crashed, which is
    /// for its own supervisor to deal with.
    GaveUp {
        /// Whose end was one too many.
        child: ActorId,
    },
    /// It ended for good.
    Stopped {
        /// How its last incarnation ended.
        ending: Ending,
    },
}

/// The part of an actor's life in which it crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum During {
    /// While it was made, or in `init`.
    Init,
    /// In `handle`.
    Handle,
    /// In `signal`.
    Signal,
    /// In `stop`.
    Stop,
    /// While its state was dropped.
    Drop,
    /// In the work of a supervisor.
    Supervision,
}

/// What became of the message over which an actor crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InHand {
    /// There was none.
    Nothing,
    /// It is lost, as [`Actor::keep`](crate::Actor::keep) did not keep it.
    Lost,
    /// It is the next one to be delivered, if there is a next incarnation.
    Kept,
    /// It is lost, as the actor crashed over it too often.
    GivenUp,
}
