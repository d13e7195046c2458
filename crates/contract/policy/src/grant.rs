//! What a person allowed.

use serde::{Deserialize, Serialize};

use crate::Need;

/// How long a grant holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    /// For the call that was asked about.
    Once,
    /// Until the session ends.
    Session,
    /// In this project from now on.
    Project,
}

/// Something a person allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What may be done. A write to a path, a command part, a host: exactly this, nothing similar.
    pub need: Need,
    /// How long it holds.
    pub scope: GrantScope,
}

impl Grant {
    /// Whether this grant covers `need`.
    ///
    /// A command is covered when it is the same to the byte; one part of a compound command is covered
    /// by a grant for that part alone.
    #[must_use]
    pub fn covers(&self, need: &Need) -> bool {
        match (&self.need, need) {
            (Need::Execute { command: granted, .. }, Need::Execute { command, .. }) => {
                granted == command
            }
            (granted, need) => granted == need,
        }
    }
}
