//! The tree of all actors as it can be shown.

use std::fmt;
use std::sync::Arc;

use bottega_types::Timestamp;

use crate::actor::ActorId;
use crate::cell::Node;

/// Where an actor stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// It is being begun, or waits for its turn.
    Starting,
    /// It deals with messages.
    Running,
    /// It was told to stop and has not ended.
    Stopping,
    /// It ended, and its supervisor will begin it anew.
    Resting,
    /// It ended for good, as it should.
    Stopped,
    /// It ended for good by a crash or a kill.
    Failed,
}

impl State {
    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Starting,
            1 => Self::Running,
            2 => Self::Stopping,
            3 => Self::Resting,
            4 => Self::Stopped,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Resting => "resting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        })
    }
}

/// One actor, as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorView {
    /// Its identity.
    pub id: ActorId,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// [`Actor::KIND`](crate::Actor::KIND), or `supervisor`.
    pub kind: &'static str,
    /// Who supervises or spawned it; `None` at the root.
    pub parent: Option<ActorId>,
    /// Where it stands.
    pub state: State,
    /// Messages that wait.
    pub depth: usize,
    /// Messages that can wait.
    pub capacity: usize,
    /// Messages that it dealt with, in all incarnations.
    pub handled: u64,
    /// How often it was begun anew.
    pub restarts: u32,
    /// When the present incarnation, or the last one, was up. The epoch when none was yet.
    pub started_at: Timestamp,
    /// The words of its last crash.
    pub last_error: Option<Arc<str>>,
}

impl ActorView {
    pub(crate) fn of(node: &dyn Node) -> Self {
        let head = node.head();
        Self {
            id: head.id,
            name: head.name.clone(),
            kind: head.kind,
            parent: head.parent,
            state: head.state(),
            depth: node.depth(),
            capacity: head.capacity,
            handled: head.progress.handled.load(std::sync::atomic::Ordering::Relaxed),
            restarts: head.restarts(),
            started_at: head.started_at(),
            last_error: head.last_error(),
        }
    }
}
