//! `[ui]` and `[log]`: what is seen, and what is written down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When output has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UiSettings {
    /// When output has colours. `NO_COLOR` and `CLICOLOR_FORCE` count as set in the environment.
    pub color: Color,
    /// Whether a model's reasoning is shown.
    pub reasoning: bool,
    /// Whether changes are shown as diffs.
    pub diffs: bool,
    /// Whether a line with tokens, cost and time ends each answer.
    pub cost: bool,
}

impl Default for UiSettings {
    fn default() -> Self {
        Self { color: Color::Auto, reasoning: false, diffs: true, cost: true }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is written to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Which events are written: a level (`error`, `warn`, `info`, `debug`, `trace`), or directives as
    /// in `warn,bottega_gateway=debug`.
    #[schemars(extend("format" = "word"))]
    pub filter: String,
    /// The form of the lines.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "warn".to_owned(), format: LogFormat::default() }
    }
}
