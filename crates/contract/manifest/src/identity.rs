//! Who a guest is.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest name of a guest, in bytes.
const LONGEST: usize = 64;

/// The name of a guest: lower-case letters, digits and `-`, first a letter.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct GuestName(String);

/// Text that can't name a guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` can't name a guest: up to 64 lower-case letters, digits and `-`, first a letter")]
pub struct NotAGuestName(String);

impl GuestName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GuestName {
    type Err = NotAGuestName;

    fn from_str(text: &str) -> Result<Self, NotAGuestName> {
        let fits = text.len() <= LONGEST
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAGuestName(text.to_owned())) }
    }
}

impl TryFrom<String> for GuestName {
    type Error = NotAGuestName;

    fn try_from(text: String) -> Result<Self, NotAGuestName> {
        text.parse()
    }
}

impl From<GuestName> for String {
    fn from(name: GuestName) -> Self {
        name.0
    }
}

impl fmt::Display for GuestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a guest is to its host; the world of the same name in `wit/guest.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// It takes messages.
    Agent,
    /// It is called.
    Tool,
    /// It takes messages and lives in a process of its own, which fetches them. It has no module.
    Outside,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::Tool => "tool",
            Self::Outside => "outside",
        })
    }
}
