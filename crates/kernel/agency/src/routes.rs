//! From a name to where its messages go: an agent's mailbox, or somebody who waits for one answer.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use bottega_acl::AgentName;
use bottega_actor::Ref;

use crate::blueprint::Delivery;
use crate::mailroom::Mailroom;
use crate::parcel::Parcel;
use crate::question::Question;

/// Parts of the table, so that two senders seldom wait for each other.
const SHARDS: usize = 16;

/// Who is behind a name.
#[derive(Debug)]
pub(crate) enum Route {
    /// An agent.
    Agent(AgentRoute),
    /// A question that is open.
    Question(Question),
}

/// How one agent is reached.
#[derive(Debug)]
pub(crate) struct AgentRoute {
    /// Nothing while it is stopped.
    pub(crate) mailbox: Option<Ref<Parcel>>,
    pub(crate) mailroom: Arc<Mailroom>,
    /// How its messages are kept, unless they say otherwise.
    pub(crate) delivery: Delivery,
    /// Whether a transient message is begun again after a crash.
    pub(crate) keep: bool,
}

/// Everybody who takes messages.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    hasher: RandomState,
    shards: [RwLock<HashMap<AgentName, Route>>; SHARDS],
}

impl Routes {
    /// Every change under these locks is one step, so a poisoned one still guards whole data.
    fn shard(&self, name: &AgentName) -> &RwLock<HashMap<AgentName, Route>> {
        let hash = self.hasher.hash_one(name);
        &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)]
    }

    /// Looks at the route behind a name, if there is one. `look` must not wait.
    pub(crate) fn with<T>(&self, name: &AgentName, look: impl FnOnce(&Route) -> T) -> Option<T> {
        let shard = self.shard(name).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(name).map(look)
    }

    pub(crate) fn put(&self, name: AgentName, route: Route) {
        let mut shard = self.shard(&name).write().unwrap_or_else(PoisonError::into_inner);
        shard.insert(name, route);
    }

    pub(crate) fn remove(&self, name: &AgentName) {
        self.shard(name).write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}
