//! `[tools]`: what the tools do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the tools do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolSettings {
    /// Tools that the model is not told of, by name. The layers add to each other.
    #[schemars(extend("x-layers" = "add"))]
    pub disabled: Vec<String>,
    /// The shell.
    pub shell: ShellSettings,
}

/// The shell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShellSettings {
    /// Environment variables that commands get besides the usual harmless ones, by name.
    pub environment: Vec<String>,
}
