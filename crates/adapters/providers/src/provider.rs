//! The services this crate can talk to, and the protocols they speak.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;

/// A wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Anthropic Messages, server-sent events.
    Anthropic,
    /// OpenAI Responses, server-sent events. An address outside `openai.com` that doesn't know the
    /// path is asked as [`ChatCompletions`](Self::ChatCompletions) from then on.
    Responses,
    /// OpenAI Chat Completions as many servers offer it, server-sent events.
    ChatCompletions,
    /// Gemini `streamGenerateContent`, server-sent events.
    Gemini,
    /// Ollama `/api/chat`, JSON lines.
    Ollama,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 5] =
        [Self::Anthropic, Self::Responses, Self::ChatCompletions, Self::Gemini, Self::Ollama];

    /// Its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Responses => "responses",
            Self::ChatCompletions => "chat-completions",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// Who writes and reads this protocol.
    pub(crate) const fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Anthropic => &crate::anthropic::Anthropic,
            Self::Responses => &crate::responses::Responses,
            Self::ChatCompletions => &crate::chat::Chat,
            Self::Gemini => &crate::gemini::Gemini,
            Self::Ollama => &crate::ollama::Ollama,
        }
    }

    /// The header in which its key travels.
    pub(crate) const fn auth(self) -> Auth {
        match self {
            Self::Anthropic => Auth::Header("x-api-key"),
            Self::Gemini => Auth::Header("x-goog-api-key"),
            Self::Responses | Self::ChatCompletions | Self::Ollama => Auth::Bearer,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|protocol| protocol.name()).collect();
            format!("`{text}` is no protocol; there is: {}", names.join(", "))
        })
    }
}

/// The header in which a key travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// `Authorization: Bearer KEY` (RFC 6750 section 2.1).
    Bearer,
    /// A header of the provider's own.
    Header(&'static str),
}

/// Whether a service answers without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNeed {
    /// It refuses every call without one.
    Required,
    /// It runs on one's own machines and usually has none.
    Optional,
}

/// A service and what its official clients call its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name, the first half of `PROVIDER/MODEL`.
    pub name: &'static str,
    /// What it speaks.
    pub protocol: Protocol,
    /// Where it is, unless the settings say otherwise; absent when there is no usual place.
    pub base_url: Option<&'static str>,
    /// The environment variables that hold its key, the first one that is set wins.
    pub key_vars: &'static [&'static str],
    /// The environment variables that hold its base URL, the first one that is set wins.
    pub base_url_vars: &'static [&'static str],
    /// Whether it needs a key.
    pub key: KeyNeed,
}

const fn hosted(
    name: &'static str,
    protocol: Protocol,
    base_url: &'static str,
    key_vars: &'static [&'static str],
    base_url_vars: &'static [&'static str],
) -> Provider {
    Provider {
        name,
        protocol,
        base_url: Some(base_url),
        key_vars,
        base_url_vars,
        key: KeyNeed::Required,
    }
}

const fn own(
    name: &'static str,
    protocol: Protocol,
    base_url: Option<&'static str>,
    key_vars: &'static [&'static str],
    base_url_vars: &'static [&'static str],
) -> Provider {
    Provider { name, protocol, base_url, key_vars, base_url_vars, key: KeyNeed::Optional }
}

/// Every service that is known by name. Any other address works too, through one of the protocols.
#[rustfmt::skip]
pub const PROVIDERS: &[Provider] = &[
    hosted("anthropic", Protocol::Anthropic, "https://api.anthropic.com", &["ANTHROPIC_API_KEY"], &["ANTHROPIC_BASE_URL"]),
    hosted("openai", Protocol::Responses, "https://api.openai.com/v1", &["OPENAI_API_KEY"], &["OPENAI_BASE_URL"]),
    hosted("gemini", Protocol::Gemini, "https://generativelanguage.googleapis.com", &["GEMINI_API_KEY", "GOOGLE_API_KEY"], &["GOOGLE_GEMINI_BASE_URL", "GEMINI_BASE_URL"]),
    hosted("openrouter", Protocol::ChatCompletions, "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"], &["OPENROUTER_BASE_URL"]),
    hosted("groq", Protocol::ChatCompletions, "https://api.groq.com/openai/v1", &["GROQ_API_KEY"], &["GROQ_BASE_URL"]),
    hosted("mistral", Protocol::ChatCompletions, "https://api.mistral.ai/v1", &["MISTRAL_API_KEY"], &["MISTRAL_BASE_URL"]),
    hosted("deepseek", Protocol::ChatCompletions, "https://api.deepseek.com", &["DEEPSEEK_API_KEY"], &["DEEPSEEK_BASE_URL"]),
    hosted("xai", Protocol::ChatCompletions, "https://api.x.ai/v1", &["XAI_API_KEY"], &["XAI_BASE_URL"]),
    own("ollama", Protocol::Ollama, Some("http://127.0.0.1:11434"), &["OLLAMA_API_KEY"], &["OLLAMA_HOST"]),
    own("lmstudio", Protocol::ChatCompletions, Some("http://127.0.0.1:1234/v1"), &["LMSTUDIO_API_KEY"], &["LMSTUDIO_BASE_URL"]),
    own("vllm", Protocol::ChatCompletions, Some("http://127.0.0.1:8000/v1"), &["VLLM_API_KEY"], &["VLLM_BASE_URL"]),
    own("llama-server", Protocol::ChatCompletions, Some("http://127.0.0.1:8080/v1"), &["LLAMA_API_KEY"], &["LLAMA_SERVER_BASE_URL"]),
    own("openai-compatible", Protocol::ChatCompletions, None, &["OPENAI_COMPATIBLE_API_KEY"], &["OPENAI_COMPATIBLE_BASE_URL"]),
];

/// The service of this name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    #[test]
    fn every_row_has_its_own_name_and_a_usable_address() {
        for (place, row) in PROVIDERS.iter().enumerate() {
            assert!(!PROVIDERS[..place].iter().any(|other| other.name == row.name), "{}", row.name);
            assert!(!row.key_vars.is_empty() && !row.base_url_vars.is_empty(), "{}", row.name);
            if let Some(base) = row.base_url {
                Endpoint::parse(row.protocol, base).unwrap();
            }
            assert_eq!(provider(row.name), Some(row));
        }
    }

    #[test]
    fn protocols_are_found_by_the_name_that_is_stored() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.name().parse(), Ok(protocol));
            assert_eq!(serde_json::to_value(protocol).unwrap(), protocol.name());
        }
        assert!("morse".parse::<Protocol>().unwrap_err().contains("chat-completions"));
    }
}
