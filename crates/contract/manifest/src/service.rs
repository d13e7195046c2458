//! What a guest offers to others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One service, as the directory lists it (SC00023, service-description).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// What kind of service it is; tenders for this skill call the agent for a bid.
    #[serde(rename = "type")]
    pub kind: String,
    /// What tells it from others of its kind. When absent, the guest's name.
    #[serde(default)]
    pub name: Option<String>,
}
