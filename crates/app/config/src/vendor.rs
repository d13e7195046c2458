//! The providers that are known without settings.

use crate::Protocol;

/// A provider that is known without settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// Its name in settings and model references.
    pub name: &'static str,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its address, as its official clients take it.
    pub base_url: &'static str,
    /// The variables its official clients read the key from, the preferred one first.
    pub key_variables: &'static [&'static str],
    /// The variable its official clients read the address from.
    pub base_variable: Option<&'static str>,
    /// The model taken when only a key was found.
    pub default_model: Option<&'static str>,
}

/// When the default models of [`VENDORS`] were looked up in the vendors' own documentation.
pub const VENDORS_AS_OF: &str = "2026-11-20";

/// Every provider that is known without settings, in the order in which their keys are tried.
pub const VENDORS: &[Vendor] = &[
    Vendor {
        name: "anthropic",
        protocol: Protocol::Anthropic,
        base_url: "https://api.anthropic.com",
        key_variables: &["ANTHROPIC_API_KEY"],
        base_variable: Some("ANTHROPIC_BASE_URL"),
        default_model: Some("claude-sonnet-5-5"),
    },
    Vendor {
        name: "openai",
        protocol: Protocol::Openai,
        base_url: "https://api.openai.com/v1",
        key_variables: &["OPENAI_API_KEY"],
        base_variable: Some("OPENAI_BASE_URL"),
        default_model: Some("gpt-6.1-sol"),
    },
    Vendor {
        name: "gemini",
        protocol: Protocol::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        base_variable: Some("GOOGLE_GEMINI_BASE_URL"),
        default_model: Some("gemini-3.8-flash"),
    },
    Vendor {
        name: "openrouter",
        protocol: Protocol::OpenaiCompatible,
        base_url: "https://openrouter.ai/api/v1",
        key_variables: &["OPENROUTER_API_KEY"],
        base_variable: Some("OPENROUTER_BASE_URL"),
        default_model: Some("openrouter/auto"),
    },
    Vendor {
        name: "ollama",
        protocol: Protocol::Ollama,
        base_url: "http://127.0.0.1:11434",
        key_variables: &["OLLAMA_API_KEY"],
        base_variable: Some("OLLAMA_HOST"),
        default_model: None,
    },
];

/// The name that belongs to the embedded engine; no provider of the settings may take it.
pub const EMBEDDED: &str = "local";

/// The local model that is offered when there is no other.
pub const DEFAULT_LOCAL_MODEL: &str = "qwen2.5-coder-1.5b";

/// Whether known providers' keys are looked for in this variable, whether anybody named it or not.
pub(crate) fn is_usual_key(variable: &str) -> bool {
    VENDORS.iter().any(|vendor| vendor.key_variables.contains(&variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole_and_has_its_own_name() {
        let mut names: Vec<_> = VENDORS.iter().map(|vendor| vendor.name).collect();
        names.push(EMBEDDED);
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
        for vendor in VENDORS {
            assert!(vendor.base_url.starts_with("http"), "{}", vendor.name);
            assert!(!vendor.base_url.ends_with('/'), "{}", vendor.name);
        }
    }
}
