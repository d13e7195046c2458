//! What is asked of the gateway, and what it tells while it works.

use std::sync::Arc;
use std::time::Duration;

use bottega_llm::{ChatRequest, ModelError, ModelRef, StreamEvent};
use bottega_policy::Spent;
use bottega_types::{CallId, SessionId};

/// One question to a model.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name. Asking again under the same name, after a crash, counts both.
    pub call: CallId,
    /// The session it belongs to.
    pub session: SessionId,
    /// The agent that asks, by its name.
    pub agent: String,
    /// A route, a model (`PROVIDER/NAME`), or nothing for the default.
    pub route: String,
    /// The question. Its model's name is filled in.
    pub request: Arc<ChatRequest>,
    /// The most that all attempts together may cost. It must cover one: an upper bound of the prompt's tokens,
    /// whichever of the route's models counts them, and the whole of `max_output`, at the prices of the route's [`facts`](crate::Gateway::facts).
    pub worst: Spent,
    /// Who broke off in the middle of an answer when the same was asked before, each as often as it did. A model
    /// that did so more often than it is asked again comes after the route's others.
    pub broken_off: Vec<ModelRef>,
}

/// What the gateway tells while it works on a call.
#[derive(Clone, Debug, PartialEq)]
pub enum GatewayEvent {
    /// A model is about to be asked. Whatever an attempt before it streamed is void.
    Attempt {
        /// The model.
        by: ModelRef,
        /// Which attempt of the call it is, from 1.
        number: u32,
    },
    /// Nothing happens for a while.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// For how long at most.
        at_most: Duration,
    },
    /// The model says something.
    Stream(StreamEvent),
}

/// Why a call waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// All of the provider's places are taken.
    Queue,
    /// The provider's requests per minute are used up.
    RequestRate,
    /// The last attempt failed like this, and the same model is asked again.
    Retry(ModelError),
}
