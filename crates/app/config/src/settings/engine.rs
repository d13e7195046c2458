//! `[local_model]`: the embedded engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The embedded engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LocalModelSettings {
    /// Threads that compute. Chosen from the free cores when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub threads: Option<u32>,
    /// Layers computed by the GPU; more than the model has means all. Chosen from the hardware when
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_layers: Option<u32>,
    /// Tokens of the context window. The model's own, as far as memory allows, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 256))]
    pub context: Option<u32>,
    /// The folder of models; `~/` stands for the home folder. Bottega's data folder when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub folder: Option<String>,
    /// The address of the Ollama registry that `ollama:NAME` is pulled from. None when absent: the source then
    /// names it, as in `ollama:HOST/library/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "address"))]
    pub ollama_registry: Option<String>,
}
