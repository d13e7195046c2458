//! `[providers.NAME]`: where models are reached.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{SecretReference, Template, Vendor};

/// What a provider speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Responses.
    Openai,
    /// OpenAI Chat Completions, as most servers speak it.
    #[default]
    OpenaiCompatible,
    /// Gemini `generateContent`.
    Gemini,
    /// Ollama's own chat.
    Ollama,
}

impl Protocol {
    /// The word used in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::OpenaiCompatible => "openai-compatible",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }
}

/// Where models are reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// What it speaks.
    pub protocol: Protocol,
    /// Its address, as its official clients take it. A provider of your own must have one.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "address"))]
    pub base_url: String,
    /// The key: `${VARIABLE}` (the environment, else a stored secret of that name) or `secret:NAME`. A
    /// key itself is refused. None when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretReference>,
    /// The model taken when this provider's key is all that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_model: Option<String>,
    /// More headers for every call. `${VARIABLE}` and `${secret:NAME}` in a value stand for secrets.
    pub headers: BTreeMap<String, Template>,
    /// Calls under way at once.
    #[schemars(range(min = 1, max = 1024))]
    pub max_concurrency: u32,
    /// Calls begun within a minute. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub requests_per_minute: Option<u32>,
    /// What its models can do, by name, where it is not known or wrong; `*` stands for all others.
    pub models: BTreeMap<String, ModelFacts>,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            base_url: String::new(),
            key: None,
            default_model: None,
            headers: BTreeMap::new(),
            max_concurrency: 8,
            requests_per_minute: None,
            models: BTreeMap::new(),
        }
    }
}

impl ProviderSettings {
    /// What holds for a known provider when nobody set anything.
    pub(crate) fn of(vendor: &Vendor) -> Self {
        let variable = vendor.key_variables.first();
        Self {
            protocol: vendor.protocol,
            base_url: vendor.base_url.to_owned(),
            key: variable.map(|name| SecretReference::Variable((*name).to_owned())),
            default_model: vendor.default_model.map(str::to_owned),
            ..Self::default()
        }
    }
}

/// What a model can do. What is absent is as Bottega believes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelFacts {
    /// Tokens of prompt and answer together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 256))]
    pub context_window: Option<u32>,
    /// Tokens of one answer at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_output: Option<u32>,
    /// Whether the provider itself enforces an output schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native_schema: Option<bool>,
    /// Whether it takes tool declarations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// Whether it sees images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<bool>,
    /// Whether it reads documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<bool>,
    /// Whether it is small: short prompts, constrained calls and teaching errors suit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub small: Option<bool>,
}
