//! Names of actors, and the list of all of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::actor::ActorId;
use crate::cell::{Cell, Node};
use crate::reference::Ref;
use crate::tree::State;

/// Refused: a living actor has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name `{0}` is taken by a living actor")]
pub struct NameTaken(pub Arc<str>);

/// The list is cut in so many parts, so that births on several threads seldom meet.
const SHARDS: usize = 16;

/// Every actor that is not over for good.
#[derive(Default)]
pub(crate) struct Registry {
    names: RwLock<HashMap<Arc<str>, Arc<dyn Node>>>,
    all: [Mutex<HashMap<ActorId, Arc<dyn Node>>>; SHARDS],
}

impl Registry {
    /// Each change is one step, so a poisoned lock still guards whole data.
    fn shard(&self, id: ActorId) -> MutexGuard<'_, HashMap<ActorId, Arc<dyn Node>>> {
        let number = usize::try_from(id.0).unwrap_or(usize::MAX) % SHARDS;
        self.all[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters an actor, with its name if it has one. Entering it twice changes nothing.
    pub(crate) fn enter(&self, node: Arc<dyn Node>) -> Result<(), NameTaken> {
        let id = node.head().id;
        if let Some(name) = &node.head().name {
            let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
            let holder = names.entry(Arc::clone(name)).or_insert_with(|| Arc::clone(&node));
            if holder.head().id != id {
                return Err(NameTaken(Arc::clone(name)));
            }
        }
        if let Entry::Vacant(place) = self.shard(id).entry(id) {
            node.head().set_state(State::Starting);
            place.insert(node);
        }
        Ok(())
    }

    /// Strikes an actor out, and frees its name. Whether it was there.
    pub(crate) fn leave(&self, node: &dyn Node) -> bool {
        let id = node.head().id;
        if let Some(name) = &node.head().name {
            let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
            if names.get(name).is_some_and(|holder| holder.head().id == id) {
                names.remove(name);
            }
        }
        let left = self.shard(id).remove(&id);
        // Dropped outside of the lock: it may be the last handle on messages of others.
        left.is_some()
    }

    pub(crate) fn find<M: Send + 'static>(&self, name: &str) -> Option<Ref<M>> {
        let node = Arc::clone(self.names.read().unwrap_or_else(PoisonError::into_inner).get(name)?);
        node.into_any().downcast::<Cell<M>>().ok().map(Ref)
    }

    /// All actors, in order of birth.
    pub(crate) fn all(&self) -> Vec<Arc<dyn Node>> {
        let mut all: Vec<Arc<dyn Node>> = Vec::new();
        for shard in &self.all {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.values().map(Arc::clone));
        }
        all.sort_unstable_by_key(|node| node.head().id);
        all
    }
}
