//! What a guest may ask its host for, each granted by name.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use bottega_policy::egress::{HostRule, NotAHostRule};
use bottega_types::Tokens;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The catalogue of capabilities; each is an interface of `wit/guest.wit` and a key of `[capabilities]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Messages to other agents.
    Send,
    /// Who offers what.
    Directory,
    /// A store of the guest's own.
    KeyValue,
    /// Lines for people.
    Log,
    /// The time.
    Clock,
    /// Random numbers.
    Random,
    /// Requests to listed hosts.
    Http,
    /// Questions to a model within a budget.
    Model,
    /// Calls of listed tools.
    Tools,
    /// Files under one folder.
    Files,
}

impl Capability {
    /// All of them, in the order of the worlds.
    pub const ALL: [Self; 10] = [
        Self::Send,
        Self::Directory,
        Self::KeyValue,
        Self::Log,
        Self::Clock,
        Self::Random,
        Self::Http,
        Self::Model,
        Self::Tools,
        Self::Files,
    ];

    /// Its key below `[capabilities]`, which is also the name of its interface.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Directory => "directory",
            Self::KeyValue => "key-value",
            Self::Log => "log",
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Http => "http",
            Self::Model => "model",
            Self::Tools => "tools",
            Self::Files => "files",
        }
    }

    /// The line below `[capabilities]` that grants it, to be adapted.
    #[must_use]
    pub const fn line(self) -> &'static str {
        match self {
            Self::Send => "send = true",
            Self::Directory => "directory = true",
            Self::KeyValue => "key-value = true",
            Self::Log => "log = true",
            Self::Clock => "clock = true",
            Self::Random => "random = true",
            Self::Http => "http = [\"api.example.org\"]",
            Self::Model => "model = { tokens = 20000 }",
            Self::Tools => "tools = [\"grep\"]",
            Self::Files => "files = { folder = \"notes\", access = \"read-only\" }",
        }
    }

    /// The capability of an interface's name.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.key() == key)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// What a guest was granted. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a grant of its own, and named by whoever sets it"
)]
pub struct Capabilities {
    /// Messages to other agents.
    pub send: bool,
    /// Searches of the directory.
    pub directory: bool,
    /// A store of keys and values of its own.
    pub key_value: bool,
    /// Lines for people who run the host.
    pub log: bool,
    /// The time.
    pub clock: bool,
    /// Random numbers.
    pub random: bool,
    /// Hosts that it may send requests to: `example.org`, `*.example.org`, `example.org:8443`.
    pub http: Vec<HostPattern>,
    /// Questions to a model.
    pub model: Option<ModelGrant>,
    /// Tools that it may call.
    pub tools: Vec<String>,
    /// Files under one folder.
    pub files: Option<FilesGrant>,
}

impl Capabilities {
    /// Whether a capability was granted.
    #[must_use]
    pub const fn grant(&self, capability: Capability) -> bool {
        match capability {
            Capability::Send => self.send,
            Capability::Directory => self.directory,
            Capability::KeyValue => self.key_value,
            Capability::Log => self.log,
            Capability::Clock => self.clock,
            Capability::Random => self.random,
            Capability::Http => !self.http.is_empty(),
            Capability::Model => self.model.is_some(),
            Capability::Tools => !self.tools.is_empty(),
            Capability::Files => self.files.is_some(),
        }
    }

    /// All that was granted.
    pub fn granted(&self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(|capability| self.grant(*capability))
    }
}

/// Questions to a model within a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ModelGrant {
    /// Tokens of questions and answers together, for as long as the guest is installed.
    pub tokens: NonZeroU64,
    /// Routes that it may name. Only the host's default when empty.
    #[serde(default)]
    pub routes: Vec<String>,
}

impl ModelGrant {
    /// The budget.
    #[must_use]
    pub const fn budget(&self) -> Tokens {
        Tokens::new(self.tokens.get())
    }
}

/// Files under one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FilesGrant {
    /// The folder, relative to the one that the host sets aside for the guest.
    pub folder: Folder,
    /// What may be done there.
    #[serde(default)]
    pub access: FileAccess,
}

/// What may be done with files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileAccess {
    /// Look.
    #[default]
    ReadOnly,
    /// Look, write and remove.
    ReadWrite,
}

/// A folder below another: relative, without `..`. `.` is that other folder itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Folder(String);

/// Text that leads out of where it starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no folder below the guest's own: write a relative path without `..`")]
pub struct NotAFolder(String);

impl Folder {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Folder {
    type Err = NotAFolder;

    fn from_str(text: &str) -> Result<Self, NotAFolder> {
        let whole = text.strip_suffix('/').unwrap_or(text);
        let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
        if whole == "." || whole.split('/').all(is_part) {
            Ok(Self(whole.to_owned()))
        } else {
            Err(NotAFolder(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Folder {
    type Error = NotAFolder;

    fn try_from(text: String) -> Result<Self, NotAFolder> {
        text.parse()
    }
}

impl From<Folder> for String {
    fn from(folder: Folder) -> Self {
        folder.0
    }
}

/// Hosts that may be reached, as a manifest spells them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(pub HostRule);

impl TryFrom<String> for HostPattern {
    type Error = NotAHostRule;

    fn try_from(text: String) -> Result<Self, NotAHostRule> {
        text.parse().map(Self)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.0.to_string()
    }
}

impl JsonSchema for HostPattern {
    fn schema_name() -> Cow<'static, str> {
        "HostPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_grants_its_capability_and_no_other() {
        for capability in Capability::ALL {
            let granted: Capabilities = toml::from_str(capability.line()).unwrap();
            assert_eq!(granted.granted().collect::<Vec<_>>(), [capability]);
            assert_eq!(Capability::of_key(capability.key()), Some(capability));
        }
        assert_eq!(Capabilities::default().granted().count(), 0);
    }

    #[test]
    fn a_folder_leads_nowhere_else() {
        for text in ["notes", "a/b", "."] {
            assert!(text.parse::<Folder>().is_ok(), "{text}");
        }
        for text in ["", "/etc", "..", "a/../..", "a//b", "./a", "a/./b"] {
            assert!(text.parse::<Folder>().is_err(), "{text}");
        }
    }
}
