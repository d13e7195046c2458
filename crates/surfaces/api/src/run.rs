//! One run of an agent: what is asked for, and what streams back.

use std::path::PathBuf;

use bottega_policy::AccessMode;
use bottega_types::{Money, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file that comes with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentFile {
    /// Its name.
    pub name: String,
    /// IANA media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What an agent is asked to do. What is absent comes from the settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRequest {
    /// The task, in the person's words.
    pub task: String,
    /// Files that come with it.
    pub attachments: Vec<AttachmentFile>,
    /// The model or route: `PROVIDER/NAME` or a route's name.
    pub model: Option<String>,
    /// How much may be done without asking.
    pub access_mode: Option<AccessMode>,
    /// Questions to the model at most.
    pub max_turns: Option<u32>,
    /// Tokens of the run at most.
    pub max_tokens: Option<u64>,
    /// Dollars of the run at most, as text (`0.50`).
    pub max_cost: Option<String>,
    /// What is paid for it, beyond which it may not cost, whatever else is set.
    pub paid: Option<Money>,
    /// Wall-clock seconds at most.
    pub max_seconds: Option<u64>,
    /// Makes draws repeatable where the model can.
    pub seed: Option<u64>,
    /// JSON Schema that the final answer must follow.
    pub output_schema: Option<serde_json::Value>,
    /// The agent of a new session; the usual one when absent.
    pub agent: Option<String>,
    /// The root of a new session's workspace; the present folder when absent.
    pub workspace: Option<PathBuf>,
    /// What a new session is called; a fresh name when absent.
    pub named: Option<SessionId>,
    /// The session to go on with; a new one when absent.
    pub session: Option<SessionId>,
    /// Whether the task only says to go on with the one before, within what is left of its budget.
    pub goes_on: bool,
}

/// How a run ended. The words are stable, and so are the exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The agent says that it is done. Exit code 0.
    Done,
    /// It could not do it. Exit code 1.
    Failed,
    /// A limit or budget was reached. Exit code 3.
    Limit,
    /// Something it needed was refused. Exit code 4.
    Refused,
    /// The provider gave up. Exit code 5.
    Provider,
    /// A person interrupted it. Exit code 130.
    Interrupted,
}

impl Ending {
    /// The exit code of a command that ends so.
    #[must_use]
    pub const fn exit(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Limit => 3,
            Self::Refused => 4,
            Self::Provider => 5,
            Self::Interrupted => 130,
        }
    }
}

/// What a run has cost so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunTotals {
    /// Questions to the model.
    pub turns: u32,
    /// Tool calls.
    pub tool_calls: u32,
    /// Prompt tokens, cached ones included.
    pub input_tokens: u64,
    /// Of those, read from a cache.
    pub cached_tokens: u64,
    /// Answer tokens.
    pub output_tokens: u64,
    /// Dollars; null when a model answered whose price is not known.
    pub cost_usd: Option<f64>,
    /// Dollars of the answers whose price is known: the least that it cost.
    #[serde(default)]
    pub known_cost_usd: f64,
    /// Milliseconds spent waiting for the model.
    pub model_ms: u64,
    /// Answer tokens per second of the model's time after its first token; absent before the first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
    /// Milliseconds since the task was given.
    pub elapsed_ms: u64,
}

impl Default for RunTotals {
    /// Nothing has happened, and that costs nothing.
    fn default() -> Self {
        Self {
            turns: 0,
            tool_calls: 0,
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
            cost_usd: Some(0.0),
            known_cost_usd: 0.0,
            model_ms: 0,
            tokens_per_second: None,
            elapsed_ms: 0,
        }
    }
}

/// One event of a run, as `bottega run --json` prints it: one JSON object a line.
///
/// Readers must pass over types and fields they don't know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunEvent {
    /// The session began, or goes on.
    Session {
        /// The session, for `bottega resume` and `bottega sessions show`.
        session: String,
        /// The model or route.
        model: String,
        /// How much may be done without asking.
        access_mode: AccessMode,
        /// The workspace's folder.
        workspace: String,
        /// Whether it goes on from before.
        resumed: bool,
    },
    /// The model is being asked.
    Turn {
        /// Its number in this task, from 1.
        number: u32,
    },
    /// The embedded engine reads the prompt.
    Prompt {
        /// Tokens read.
        done: u64,
        /// Tokens in all.
        total: u64,
    },
    /// More answer text, as it comes. May be taken back by a `retry`.
    Text {
        /// The piece.
        delta: String,
    },
    /// More readable reasoning, as it comes.
    Reasoning {
        /// The piece.
        delta: String,
    },
    /// The model's answer, complete and stored.
    Message {
        /// Its text; empty when it only called tools.
        text: String,
    },
    /// A model is asked again, or another one is asked.
    Retry {
        /// The model that is asked next.
        model: String,
        /// The attempt, from 1.
        attempt: u32,
        /// Why, where an error led to it.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A tool call begins.
    ToolCall {
        /// The call.
        call: String,
        /// The tool.
        tool: String,
        /// The arguments as the model wrote them.
        arguments: String,
    },
    /// Live output of a tool call.
    ToolOutput {
        /// The call.
        call: String,
        /// The piece.
        text: String,
    },
    /// A tool call ended.
    ToolResult {
        /// The call.
        call: String,
        /// The tool.
        tool: String,
        /// `succeeded`, `command_failed`, `failed`, `denied` or `interrupted`.
        outcome: String,
        /// What it did, in one line.
        summary: String,
        /// What the model reads.
        text: String,
        /// Files that changed.
        changed: Vec<String>,
        /// The exit status of a command.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// Milliseconds it took.
        elapsed_ms: u64,
    },
    /// The agent's own guard said something to the model.
    Nudge {
        /// What it said.
        text: String,
    },
    /// Older messages were replaced by a summary; the journal keeps them.
    Compacted {
        /// Messages that stayed.
        kept: u32,
    },
    /// What the run has cost so far; after each answer.
    Totals {
        /// The figures.
        #[serde(flatten)]
        totals: RunTotals,
    },
    /// The run ended. Always the last event, exactly once.
    Ended {
        /// How.
        ending: Ending,
        /// Why, where it is not `done`.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// What helps, where that is known better than the ending alone tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_step: Option<String>,
        /// The agent's answer.
        answer: String,
        /// The session.
        session: String,
        /// What it cost.
        totals: RunTotals,
    },
}
