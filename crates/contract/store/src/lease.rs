//! The port to leases: who works on something, among all processes that share a store.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{MemoryStore, StoreError};

/// Held as long as it lives. Dropping it, or the death of its process in whatever way, gives it back.
pub type Lease = Box<dyn Any + Send + Sync>;

/// Gives leases by name.
///
/// Every implementation promises:
/// * one holder: while a lease lives, nobody gets another of its name, in this process or another that shares
///   the store;
/// * no leftovers: the end of a process, `kill -9` included, gives its leases back;
/// * no waiting: the answer comes at once.
pub trait Leases: Send + Sync {
    /// The lease of that name; nothing while somebody holds it. A name is letters, digits, `_` and `-`.
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError>;
}

/// The names that are held in this process.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<BTreeSet<String>>);

struct HeldLease {
    held: Arc<Held>,
    name: String,
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.held.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

impl Leases for MemoryStore {
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        let held = self.held();
        let fresh = held.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let name = name.to_owned();
        Ok(fresh.then(|| Box::new(HeldLease { held, name }) as Lease))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_has_one_holder_until_it_is_dropped() {
        let store = MemoryStore::new();
        let first = store.lease("a").unwrap();
        assert!(first.is_some());
        assert!(store.clone().lease("a").unwrap().is_none());
        assert!(store.lease("b").unwrap().is_some());
        drop(first);
        assert!(store.lease("a").unwrap().is_some());
    }
}
