//! What follows when a guest's instance ends, and how its messages are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Period;

/// Which endings its supervisor answers with a new instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Every one.
    Permanent,
    /// Traps and exceeded limits, but not an ordinary end.
    #[default]
    Transient,
    /// None.
    Temporary,
}

/// What a supervisor does about an instance that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Supervision {
    /// Which endings are answered with a new instance.
    pub restart: Restart,
    /// Restarts within `within` after which the supervisor gives up.
    pub most: u32,
    /// The span in which restarts are counted.
    pub within: Period,
    /// How long one message may take. An instance that takes longer is stuck: it is ended, as by a crash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_after: Option<Period>,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            restart: Restart::default(),
            most: 5,
            within: Period::seconds(60),
            stuck_after: None,
        }
    }
}

/// Whether messages to an agent survive the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// In the mailbox only.
    #[default]
    Transient,
    /// Journaled before they are acknowledged.
    Durable,
}
