//! Settings, secrets, health and the audit of one machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One setting with its value and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingView {
    /// Its path: `access.mode`.
    pub path: String,
    /// Its value with its type; null when nobody set it and it has no default.
    pub value: serde_json::Value,
    /// The same as a settings file has it; empty when there is none.
    #[serde(default)]
    pub toml: String,
    /// Where the value comes from: `default`, a file with its line, a variable, a flag.
    pub origin: String,
    /// What it means.
    pub doc: String,
}

/// One place that settings may come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceView {
    /// The layer: `user`, `project`, …
    pub layer: String,
    /// The file.
    pub path: String,
    /// `read`, `absent`, or why it is passed over.
    pub state: String,
}

/// Something a person should know of the settings, although nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeView {
    /// What there is to know.
    pub message: String,
    /// What to do about it.
    pub next_step: String,
}

/// One secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretView {
    /// Its name.
    pub name: String,
    /// Where it is kept: `keyring`, `file`, `environment`.
    pub place: String,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It is.
    Good,
    /// It is not, but work goes on.
    Warning,
    /// It is not, and something won't work.
    Bad,
}

/// One check of the doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How it is.
    pub state: CheckState,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when all is well.
    pub next_step: String,
}

/// What the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorReport {
    /// The version of this binary.
    pub version: String,
    /// The checks, in order.
    pub checks: Vec<Check>,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditReport {
    /// Records that were verified before the end or the first broken one.
    pub verified: u64,
    /// The digest of the last good record: note it down, and a later audit can prove that nothing before it
    /// changed.
    pub head: String,
    /// The first broken record and what is wrong with it, or what is wrong around the records; absent when all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// The position of the first broken record; absent when every record is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
    /// Blobs that events refer to and whose bytes are what was kept. None is read when a record is broken.
    #[serde(default)]
    pub blobs: u64,
    /// The digests of those whose bytes are not what was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged_blobs: Vec<String>,
    /// Blobs that a session refers to and that are not there.
    #[serde(default)]
    pub missing_blobs: u64,
    /// Blobs that were forgotten with the sessions that were removed.
    #[serde(default)]
    pub forgotten_blobs: u64,
}
