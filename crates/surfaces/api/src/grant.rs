//! What people allowed for more than one call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// For how long something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantFor {
    /// In one session, also when it is resumed.
    Session,
    /// In every session of a project.
    Project,
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantView {
    /// Its name: `grt_…`.
    pub id: String,
    /// What may be done without asking: ``run `make test` ``.
    pub may: String,
    /// Whether a command may run outside the sandbox.
    pub uncaged: bool,
    /// For how long.
    pub scope: GrantFor,
    /// The session in which the person was asked.
    pub session: String,
    /// The project's folder.
    pub project: String,
    /// When it was given: milliseconds since 1970.
    pub at_ms: u64,
}
