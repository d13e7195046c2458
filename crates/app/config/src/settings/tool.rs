//! `[tools]`: what the tools do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::Size;

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
    /// The most memory that each process of a caged command may write to, as `8GiB`; `0` for no limit, which programs
    /// built with an address sanitizer need. Three quarters of the machine's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// The largest file that a caged command may write; `0` for no limit. 16 GiB when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<Size>,
    /// The most processes while a caged command runs; `0` for no limit. 16,384 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
}
