//! The locks and atomics that a cell is made of: the standard library's, or with the feature `loom` those of the checker, which
//! runs `cell/models.rs` through the orders in which threads may meet and the values that a load may see.

#[cfg(feature = "loom")]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(feature = "loom"))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
