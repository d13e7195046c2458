//! What agents say of themselves in the directory.

use bottega_acl::directory::DirectoryChange;
use serde::{Deserialize, Serialize};

use crate::catalogue::events;

events! {
    /// An event of the stream `directory`.
    DirectoryEvent {
        /// The directory changed because an agent said so.
        Changed(DirectoryChanged) = "directory.changed", 1;
    }
}

/// The directory changed because an agent said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryChanged {
    /// How.
    pub change: DirectoryChange,
}
