//! The port to leases: who works on something, among all processes that share a store.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{MemoryStore, StoreError};

/// Held as long as it lives. Dropping it, or the death of its process in whatever way, gives it back.
pub type Lease = Box<dyn Any + Send + Sync>;

/// Gives leases by name.
///
/// Every implementation promises:
/// * one holder: while a lease lives, nobody gets another of its name, in this process or another that shares
///   the store; while shared ones live, others may share, and nobody holds it alone;
/// * no leftovers: the end of a process, `kill -9` included, gives its leases back;
/// * no waiting: the answer comes at once.
pub trait Leases: Send + Sync {
    /// The lease of that name; nothing while somebody holds or shares it. A name is letters, digits, `_` and `-`.
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError>;

    /// A share of the lease of that name; nothing while somebody holds it alone.
    fn share(&self, name: &str) -> Result<Option<Lease>, StoreError>;
}

/// The names that are held in this process, with the number of shares; none of a lease that is held alone.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<BTreeMap<String, usize>>);

struct HeldLease {
    held: Arc<Held>,
    name: String,
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        let mut held = self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(&self.name) {
            Some(shares) if *shares > 1 => *shares -= 1,
            Some(_) | None => {
                held.remove(&self.name);
            }
        }
    }
}

impl Leases for MemoryStore {
    fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        let held = self.held();
        let name = name.to_owned();
        match held.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()) {
            Entry::Occupied(_) => return Ok(None),
            Entry::Vacant(free) => {
                free.insert(0);
            }
        }
        Ok(Some(Box::new(HeldLease { held, name })))
    }

    fn share(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        let held = self.held();
        let name = name.to_owned();
        match held.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()) {
            Entry::Occupied(alone) if *alone.get() == 0 => return Ok(None),
            Entry::Occupied(mut shared) => *shared.get_mut() += 1,
            Entry::Vacant(free) => {
                free.insert(1);
            }
        }
        Ok(Some(Box::new(HeldLease { held, name })))
    }
}
