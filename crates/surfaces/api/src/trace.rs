//! What one request caused, step by step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a step of a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TraceStepKind {
    /// A durable message, from its sender to one receiver, and its handling.
    Message,
    /// A task that is put out to tender.
    Tender,
    /// An agent that a language model plays works on a task.
    Session,
    /// A question to a model, in a session.
    Model,
    /// A call of a tool, in a session.
    Tool,
    /// A guest uses what lies beyond its server: the web, a model or a tool.
    Use,
    /// A guest writes a line.
    Log,
}

/// One step of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceStepView {
    /// What it is.
    pub kind: TraceStepKind,
    /// How many steps it lies within: whose it is stands before it, one less deep.
    pub depth: usize,
    /// What it is in words: `request operator@local → scout@local`, a model, a tool.
    pub name: String,
    /// The agent at work: of a message its receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What it is kept under: the name of a message, a tender or a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The trace that it belongs to.
    pub trace: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How long a message waited for its receiver, in milliseconds; nothing where that was not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// How long it took, in milliseconds; nothing while it goes on, and where that was not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// How it ended: `ok`, `under way`, or why it failed.
    pub outcome: String,
    /// Tokens of its questions and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// What it cost, in dollars, as far as prices are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

/// What one request caused, or several that one conversation is about: as far as it was stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceView {
    /// The traces, in the order of their first steps.
    pub traces: Vec<String>,
    /// The steps, each after the one that it lies within, otherwise by their beginning.
    pub steps: Vec<TraceStepView>,
    /// From the first step's beginning to the last one's end, in milliseconds.
    pub took_ms: u64,
    /// Tokens of all questions and answers.
    pub tokens: u64,
    /// What all of it cost, in dollars, as far as prices are known.
    pub cost_usd: f64,
    /// Whether there are more steps than are shown.
    pub cut: bool,
}
