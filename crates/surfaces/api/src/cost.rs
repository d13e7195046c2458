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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Dollars; null when a model answered whose price is not known.
    pub cost_usd: Option<f64>,
    /// Dollars of the answers whose price is known: the least that they cost.
    #[serde(default)]
    pub known_cost_usd: f64,
}

impl CostRow {
    /// No answers yet, and that costs nothing.
    #[must_use]
    pub const fn nothing(key: String) -> Self {
        Self {
            key,
            answers: 0,
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
            cost_usd: Some(0.0),
            known_cost_usd: 0.0,
        }
    }

    /// Counts another line's answers too.
    pub fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.input_tokens += other.input_tokens;
        self.cached_tokens += other.cached_tokens;
        self.output_tokens += other.output_tokens;
        self.cost_usd = self.cost_usd.zip(other.cost_usd).map(|(own, more)| own + more);
        self.known_cost_usd += other.known_cost_usd;
    }
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
