//! `[model]`: which model answers, and how.

use bottega_llm::{Effort, Sampling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which model answers, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelSettings {
    /// The model: `PROVIDER/NAME`, or the name of a route. When absent, the first of these that there
    /// is: a provider with a key, a running Ollama, a local model on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "model"))]
    pub default: Option<String>,
    /// How long a reasoning model may think. The provider's own default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// The most tokens that one answer may have. The model's own limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_output: Option<u32>,
    /// How tokens are drawn. What is absent is left to the provider.
    pub sampling: Sampling,
}
