//! How much an agent may do without asking.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much an agent may do without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessMode {
    /// Look, never touch: reads inside the workspace only.
    ReadOnly,
    /// Reads run; every change and every command is asked for.
    #[default]
    Ask,
    /// What is safe inside the sandbox runs; the rest is asked for.
    Auto,
    /// Everything runs, without the cage, except what is protected or denied; of a command, as far as its line names it.
    Full,
}

impl AccessMode {
    /// All modes, from the least to the most allowed.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Ask, Self::Auto, Self::Full];

    /// The word used on the command line and in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Ask => "ask",
            Self::Auto => "auto",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for AccessMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Text that is no access mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no access mode; choose read-only, ask, auto or full")]
pub struct NotAnAccessMode(String);

impl FromStr for AccessMode {
    type Err = NotAnAccessMode;

    fn from_str(text: &str) -> Result<Self, NotAnAccessMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| NotAnAccessMode(text.to_owned()))
    }
}
