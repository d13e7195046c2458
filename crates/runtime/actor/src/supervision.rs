//! Supervisors: what they decide (pure), and how it is done.

mod backoff;
mod desk;
mod plan;
mod policy;
mod pulse;
mod spec;
mod supervisor;

use crate::actor::Ending;

pub use backoff::Backoff;
pub use policy::{Intensity, Restart, Strategy};
pub use spec::{ChildSpec, OnStuck};
pub use supervisor::{GaveUp, StartError, Supervisor, SupervisorRef};

/// A child's place among its siblings, in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) u64);

/// Which incarnation of which child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) key: Key,
    pub(crate) incarnation: u32,
}

/// How a child fares.
pub(crate) enum News {
    Started(Report),
    Ended(Report, Ending),
}
