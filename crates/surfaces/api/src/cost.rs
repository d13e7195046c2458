//! What was spent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What costs are summed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostBy {
    /// The UTC day.
    #[default]
    Day,
    /// The model that answered.
    Model,
    /// The session.
    Session,
}

/// One line of a cost report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostRow {
    /// The day, model or session.
    pub key: String,
    /// Answers.
    pub answers: u64,
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Of those, read from a cache.
    pub cached_tokens: u64,
    /// Answer tokens.
    pub output_tokens: u64,
    /// Dollars.
    pub cost_usd: f64,
}

/// What was spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostReport {
    /// What it is summed by.
    pub by: CostBy,
    /// The lines, by key.
    pub rows: Vec<CostRow>,
    /// Their sum.
    pub total: CostRow,
}
