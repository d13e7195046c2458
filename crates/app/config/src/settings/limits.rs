//! `[limits]`: when a run ends by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Period, Size};

/// When a run ends by itself, and how much may be done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Answers of the model in one run.
    #[schemars(range(min = 1))]
    pub turns: u32,
    /// How long one run may take.
    pub time: Period,
    /// Tool calls of one answer that run side by side, at most. Only those that change nothing do: what may change
    /// something runs in its order.
    #[schemars(range(min = 1, max = 64))]
    pub parallel_tools: u32,
    /// Bytes of a tool's output that the model is shown; the whole output stays in the journal.
    pub tool_output: Size,
    /// The same call with the same result, so often: the run ends. The model is warned half-way.
    #[schemars(range(min = 2, max = 100))]
    pub repeats: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            turns: 100,
            time: Period::seconds(7200),
            parallel_tools: 8,
            tool_output: Size(16 << 10),
            repeats: 5,
        }
    }
}
