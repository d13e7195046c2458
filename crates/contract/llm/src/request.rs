//! What a model is asked.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Message;

/// One request to one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model's name as its provider knows it.
    pub model: String,
    /// Instructions that stand before the conversation. Empty when there are none.
    pub system: Arc<str>,
    /// The conversation so far. Grows at its end only, within one [`conversation`](Self::conversation).
    pub messages: Vec<Arc<Message>>,
    /// The tools the model may call. The same from turn to turn.
    pub tools: Arc<[ToolDeclaration]>,
    /// Whether and which tool must be called.
    pub tool_choice: ToolChoice,
    /// What the arguments of a [`ToolChoice::Named`] tool must also follow, where decoding is constrained. A
    /// hint: providers that can't constrain pass it over, so the caller still checks.
    pub narrowed: Option<Arc<Value>>,
    /// The form of the final answer.
    pub output: OutputFormat,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// The most tokens the answer may have, reasoning included. The provider's own default when absent.
    pub max_output: Option<u32>,
    /// How long a reasoning model may think. The provider's own default when absent.
    pub effort: Option<Effort>,
    /// What a provider's prompt cache may keep.
    pub cache: CacheHint,
    /// Names the conversation for prefix caches: requests with the same name share a growing prefix.
    pub conversation: Arc<str>,
}

impl ChatRequest {
    /// A request without instructions, tools or limits; for the caller to fill in.
    pub fn new(model: impl Into<String>, messages: Vec<Arc<Message>>) -> Self {
        Self {
            model: model.into(),
            system: "".into(),
            messages,
            tools: Arc::new([]),
            tool_choice: ToolChoice::Auto,
            narrowed: None,
            output: OutputFormat::Text,
            sampling: Sampling::default(),
            stop: Vec::new(),
            max_output: None,
            effort: None,
            cache: CacheHint::Prefix,
            conversation: "".into(),
        }
    }
}

/// A tool as a model is told about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolDeclaration {
    /// Its name: letters, digits, `_` and `-`, at most 64 bytes (the narrowest provider's rule).
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema (2020-12) of the arguments; an object at its root.
    pub input_schema: Value,
}

/// Whether and which tool must be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// At least one call, of any tool.
    Required,
    /// No call, although tools are declared.
    None,
    /// A call of this one.
    Named(String),
}

/// The form of the final answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OutputFormat {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that this schema accepts.
    JsonSchema {
        /// A name for it: letters, digits, `_` and `-`, at most 64 bytes.
        name: String,
        /// JSON Schema (2020-12).
        schema: Arc<Value>,
    },
}

/// How tokens are drawn. What is absent is left to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Zero takes the likeliest token each time; most models allow up to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling: the smallest set of tokens whose probabilities sum to this, in `0..=1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Only the so many likeliest tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Makes draws repeatable where the provider can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// How long a reasoning model may think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// Long.
    High,
}

/// What a provider's prompt cache may keep. Providers with automatic caches need no hint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheHint {
    /// Keep the instructions, the tools and the conversation so far: another turn will follow.
    #[default]
    Prefix,
    /// Keep nothing: this request stands alone.
    Nothing,
}
