//! From a name to where its messages go: an agent's mailbox, or somebody who waits for one answer.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use bottega_acl::{AgentName, Aid, Message};
use bottega_actor::Ref;
use hashbrown::HashTable;

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

/// Everybody who takes messages. A name is hashed once for its shard and its place there.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    hasher: RandomState,
    shards: [RwLock<HashTable<(AgentName, Route)>>; SHARDS],
}

impl Routes {
    /// Where a name belongs. Every change under these locks is one step, so a poisoned one still guards whole data.
    fn shard(&self, name: &AgentName) -> (&RwLock<HashTable<(AgentName, Route)>>, u64) {
        let hash = self.hasher.hash_one(name);
        // The table looks at the highest bits and the lowest ones.
        (&self.shards[usize::try_from((hash >> 32) % SHARDS as u64).unwrap_or(0)], hash)
    }

    /// Looks at the route behind a name, if there is one. `look` must not wait.
    pub(crate) fn with<T>(&self, name: &AgentName, look: impl FnOnce(&Route) -> T) -> Option<T> {
        let (shard, hash) = self.shard(name);
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        shard.find(hash, |(known, _)| known == name).map(|(_, route)| look(route))
    }

    /// Looks at the route to a message's receiver of this index, with the message to hand over; gives the message back when there
    /// is none. `hand` must not wait.
    #[expect(clippy::result_large_err, reason = "the message goes on its way, or back, as it is")]
    pub(crate) fn deliver<T>(
        &self,
        message: Message,
        index: usize,
        hand: impl FnOnce(&Route, Message) -> T,
    ) -> Result<T, Message> {
        let Some(name) = message.receivers.as_slice().get(index).map(Aid::name) else {
            return Err(message);
        };
        let (shard, hash) = self.shard(name);
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        match shard.find(hash, |(known, _)| known == name) {
            Some((_, route)) => Ok(hand(route, message)),
            None => Err(message),
        }
    }

    pub(crate) fn put(&self, name: AgentName, route: Route) {
        let (shard, hash) = self.shard(&name);
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        match shard.find_mut(hash, |(known, _)| *known == name) {
            Some((_, known)) => *known = route,
            None => {
                shard.insert_unique(hash, (name, route), |(name, _)| self.hasher.hash_one(name));
            }
        }
    }

    pub(crate) fn remove(&self, name: &AgentName) {
        let (shard, hash) = self.shard(name);
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if let Ok(entry) = shard.find_entry(hash, |(known, _)| known == name) {
            drop(entry.remove());
        }
    }
}
