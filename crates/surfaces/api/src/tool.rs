//! Tools, as people see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One tool that agents may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolView {
    /// Its name.
    pub name: String,
    /// What it does, as a model reads it.
    pub about: String,
    /// Where it comes from: [`ToolView::BUILT_IN`], or the name and version of its package.
    pub from: String,
    /// What it was granted, by the names of the capabilities.
    pub may: Vec<String>,
    /// The hosts that it may send requests to.
    pub hosts: Vec<String>,
    /// Whether it is offered to agents; `tools.disabled` takes one away.
    pub enabled: bool,
    /// JSON Schema of its arguments.
    pub schema: Value,
}

impl ToolView {
    /// Where those come from that are always there.
    pub const BUILT_IN: &'static str = "built in";
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolAnswer {
    /// The tool.
    pub name: String,
    /// Whether it did what it was asked for.
    pub succeeded: bool,
    /// What it said, as a model reads it.
    pub text: String,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}
