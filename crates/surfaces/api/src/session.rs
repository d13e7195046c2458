//! Sessions as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RunTotals;

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It has begun and waits for a task.
    Idle,
    /// Work is under way, or was when its process ended: `bottega resume` goes on.
    Open,
    /// Its last work ended well.
    Done,
    /// Its last work ended otherwise.
    Failed,
}

/// One session in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionSummary {
    /// The session.
    pub id: String,
    /// The beginning of its first task.
    pub title: String,
    /// Where it is.
    pub state: SessionState,
    /// How its last work ended: a word of `Ending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<crate::Ending>,
    /// The agent.
    pub agent: String,
    /// The model or route.
    pub model: String,
    /// The workspace's folder.
    pub workspace: String,
    /// When it began, milliseconds since the epoch.
    pub started_ms: u64,
    /// When something last happened in it, milliseconds since the epoch.
    pub updated_ms: u64,
    /// Files it changed.
    pub changed: Vec<String>,
    /// What it cost, over all its tasks.
    pub totals: RunTotals,
}

/// One thing that happened, for reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptEntry {
    /// Its place in the session.
    pub revision: u64,
    /// When, milliseconds since the epoch.
    pub at_ms: u64,
    /// The event's kind: `tool.finished`, …
    pub kind: String,
    /// One line about it.
    pub title: String,
    /// The rest: words, arguments, output. May be empty.
    pub body: String,
}

/// One file that a session changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeView {
    /// The path, relative to the workspace.
    pub path: String,
    /// Unified diff from before the session to after its last change; absent for bytes that are no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// One session, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: SessionSummary,
    /// The agent's last answer.
    pub answer: String,
    /// Why its last work ended, where it is not `done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// All that happened, in order.
    pub transcript: Vec<TranscriptEntry>,
    /// The files it changed.
    pub changes: Vec<ChangeView>,
}

/// What an undo did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoView {
    /// Files that have their earlier text or bytes again; those that had been deleted are back.
    pub restored: Vec<String>,
    /// Files that are deleted again: before the session's change there were none.
    #[serde(default)]
    pub removed: Vec<String>,
    /// Files that were left alone since somebody else changed them after the agent did.
    pub left_alone: Vec<String>,
    /// Files that were left alone since their earlier version is not kept any more.
    #[serde(default)]
    pub forgotten: Vec<String>,
    /// What the session changed, or may have changed, and what was never kept: files that are too large, what jobs did.
    #[serde(default)]
    pub unkept: Vec<String>,
}

impl UndoView {
    /// Whether all that the session changed is as it was, but for what somebody else changed since.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.forgotten.is_empty() && self.unkept.is_empty()
    }
}
