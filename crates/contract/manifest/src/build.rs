//! How a guest's module is made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the module is made of its sources. Nothing but `bottega agent build` ever runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct Build {
    /// A line for the shell, carried out in the manifest's folder.
    pub command: String,
}

impl Default for Build {
    fn default() -> Self {
        Self { command: "./build.sh".to_owned() }
    }
}

impl Build {
    /// Whether it is the one that every template has, so that nothing need be written.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
