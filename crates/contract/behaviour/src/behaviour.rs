//! The trait of every agent.

use bottega_event::SessionEvent;
use bottega_types::{CallId, Digest, SessionId, Timestamp};

use crate::{Effect, Input};

/// An input that makes no sense as things stand. Nothing is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The session has begun already.
    #[error("the session has already started")]
    AlreadyStarted,
    /// The session has not begun.
    #[error("the session has not started")]
    NotStarted,
    /// The agent is at work; interrupt it first.
    #[error("the agent is at work; interrupt it or wait until it is done")]
    Busy,
    /// The result of something that is not outstanding: it came too late, or twice.
    #[error("nobody waits for call {0}")]
    NotOutstanding(String),
    /// There is nothing to do it to.
    #[error("{0}")]
    Nothing(String),
}

/// An agent.
///
/// Every implementation promises:
/// * `decide` and `evolve` are pure;
/// * `evolve` accepts every event that `decide` ever returned, in that order;
/// * an effect is outstanding from the event that asks for it until the event that tells its result.
pub trait Behaviour: Send + Sync + 'static {
    /// All that it knows, folded from its events.
    type State: Send + Sync + 'static;

    /// Before the first event.
    fn initial(&self) -> Self::State;

    /// Folds one event. `at` is when it was stored.
    fn evolve(&self, state: &mut Self::State, event: &SessionEvent, at: Timestamp);

    /// What follows from an input; may be nothing.
    fn decide(
        &self,
        state: &Self::State,
        input: Input,
        now: Timestamp,
    ) -> Result<Vec<SessionEvent>, Refusal>;

    /// What it wants done, as of this state.
    fn outstanding(&self, state: &Self::State) -> Vec<Effect>;
}

/// The `index`-th call of a session. Derived, not drawn, so that deciding stays pure.
#[must_use]
pub fn call_id(session: SessionId, index: u64) -> CallId {
    let digest = Digest::of_parts(&[&session.bits().to_le_bytes(), &index.to_le_bytes()]);
    let mut low = [0; 16];
    low.copy_from_slice(&digest.as_bytes()[..16]);
    CallId::from_bits(u128::from_le_bytes(low))
}
