//! What a person allowed for more than one call.

use bottega_policy::Grant;
use bottega_types::{GrantId, SessionId};
use serde::{Deserialize, Serialize};

use crate::catalogue::events;

events! {
    /// An event of the stream `grants`.
    GrantEvent {
        /// A person allowed something from now on.
        Given(GrantGiven) = "grant.given", 1;
        /// A grant holds no longer.
        Revoked(GrantRevoked) = "grant.revoked", 1;
    }
}

/// A person allowed something from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantGiven {
    /// Its name, by which it is revoked.
    pub id: GrantId,
    /// What may be done, and for how long.
    pub grant: Grant,
    /// The session in which the person was asked.
    pub session: SessionId,
    /// The root of that session's workspace: the project for which a grant of that scope holds.
    pub project: String,
}

/// A grant holds no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRevoked {
    /// Which.
    pub id: GrantId,
}
