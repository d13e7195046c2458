//! A behaviour with its state, so that a host need not know what kind of agent it hosts.

use std::sync::Arc;

use bottega_event::SessionEvent;
use bottega_types::Timestamp;

use crate::{Behaviour, Effect, Input, Refusal};

/// A behaviour with its state. See [`Behaviour`] for the promises.
pub trait Mind: Send + Sync {
    /// Folds one event.
    fn evolve(&mut self, event: &SessionEvent, at: Timestamp);

    /// What follows from an input.
    fn decide(&self, input: Input, now: Timestamp) -> Result<Vec<SessionEvent>, Refusal>;

    /// What it wants done.
    fn outstanding(&self) -> Vec<Effect>;
}

struct Embodied<B: Behaviour> {
    behaviour: Arc<B>,
    state: B::State,
}

impl<B: Behaviour> Mind for Embodied<B> {
    fn evolve(&mut self, event: &SessionEvent, at: Timestamp) {
        self.behaviour.evolve(&mut self.state, event, at);
    }

    fn decide(&self, input: Input, now: Timestamp) -> Result<Vec<SessionEvent>, Refusal> {
        self.behaviour.decide(&self.state, input, now)
    }

    fn outstanding(&self) -> Vec<Effect> {
        self.behaviour.outstanding(&self.state)
    }
}

/// A new mind of that behaviour, before its first event.
#[must_use]
pub fn embody<B: Behaviour>(behaviour: Arc<B>) -> Box<dyn Mind> {
    let state = behaviour.initial();
    Box::new(Embodied { behaviour, state })
}
