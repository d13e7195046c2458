//! What a person allowed.

use serde::{Deserialize, Serialize};

use crate::Need;

/// How long a grant holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    /// For the call that was asked about.
    Once,
    /// In the session, also when it is resumed.
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
    /// A command is covered when it is the same to the byte; what was granted inside the sandbox is not
    /// granted outside it.
    #[must_use]
    pub fn covers(&self, need: &Need) -> bool {
        match (&self.need, need) {
            (
                Need::Execute { command: granted, caged: inside, .. },
                Need::Execute { command, caged, .. },
            ) => granted == command && (*caged || !inside),
            (granted, need) => granted == need,
        }
    }
}
