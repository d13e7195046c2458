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
    /// The test runner.
    pub run_tests: RunTestsSettings,
}

/// The shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShellSettings {
    /// The program that reads command lines.
    #[schemars(extend("format" = "path"))]
    pub program: String,
    /// Whether commands may reach the network.
    pub network: bool,
    /// Environment variables that commands get besides the usual harmless ones, by name.
    pub environment: Vec<String>,
    /// Folders outside the workspace that commands may write to; `~/` stands for the home folder.
    pub writable: Vec<String>,
}

impl Default for ShellSettings {
    fn default() -> Self {
        Self {
            program: "bash".to_owned(),
            network: false,
            environment: Vec::new(),
            writable: Vec::new(),
        }
    }
}

/// The test runner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunTestsSettings {
    /// The command that runs the tests. Found from the project's files when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "word"))]
    pub command: Option<String>,
}
