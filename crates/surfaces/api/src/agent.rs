//! Agents that live on a server, and what they say to each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Problem, RunEvent};

/// Where an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgentStanding {
    /// It is being begun.
    Starting,
    /// It deals with messages.
    Running,
    /// It crashed, and is begun anew.
    Resting,
    /// It was stopped.
    Stopped,
    /// It crashed too often and was given up.
    Failed,
}

/// How messages are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryClass {
    /// In a mailbox alone.
    #[default]
    Transient,
    /// Stored before they are acknowledged, and handed over at least once.
    Durable,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentView {
    /// Its name: `echo@local`.
    pub name: String,
    /// What it is: `wasm echo 1.2.0`.
    pub kind: String,
    /// How messages to it are kept.
    pub delivery: DeliveryClass,
    /// Where it stands.
    pub state: AgentStanding,
    /// Messages that wait in its mailbox.
    pub waiting: usize,
    /// Room for messages in its mailbox.
    pub capacity: usize,
    /// Durable messages that are under way to it.
    pub under_way: usize,
    /// Messages that it dealt with since the server began.
    pub handled: u64,
    /// How often it was begun anew.
    pub restarts: u32,
    /// Why it crashed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Bytes of memory that its guest holds; nothing where it runs in no sandbox of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// What its questions to models have cost since the server began, in dollars, as far as prices are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

/// An agent that is to live on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployRequest {
    /// The text of its `bottega.toml`, or of the Markdown file that defines an agent for a language model to play.
    pub manifest: String,
    /// Its WASM component or core module, in base64; nothing with a Markdown file.
    #[serde(default)]
    pub module: String,
    /// The part of its name before the `@`; the manifest's name when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Its own settings, handed to it when it begins.
    #[serde(default)]
    pub config: Value,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// The message: the JSON encoding of FIPA-ACL, with `performative`, `receiver`, `content` and so on.
    pub message: Value,
    /// How it is kept, instead of what its receivers say.
    #[serde(default)]
    pub delivery: Option<DeliveryClass>,
    /// Names it, so that it is stored once however often it is sent.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// Messages to be sent, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The messages, at most 1,000. One that can't be sent keeps the others from nothing.
    pub messages: Vec<SendRequest>,
}

/// What became of one message of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchStepView {
    /// Which message of the batch, from 0.
    pub index: usize,
    /// How many were dealt with, this one included.
    pub done: usize,
    /// Of how many.
    pub of: usize,
    /// That it was taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptView>,
    /// Why it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptView {
    /// Its name, if it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it had been stored before, and nothing was done now.
    pub repeated: bool,
}

/// A question to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    /// The message.
    pub message: Value,
    /// How long an answer is waited for, in milliseconds; 30,000 when absent.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerView {
    /// The message; nothing when none came in time.
    pub message: Option<Value>,
}

/// Something that happened while an answer was waited for, and at last the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AskStepView {
    /// An agent that a language model plays does something about it: whoever was asked, or whom that one asked.
    Progress {
        /// Its name.
        agent: String,
        /// What it does.
        event: RunEvent,
    },
    /// More happened than could be told.
    Missed {
        /// So many steps.
        count: u64,
    },
    /// The answer. Always the last, exactly once.
    Answer {
        /// The message; nothing when none came in time.
        message: Option<Value>,
    },
}

/// A durable message that was not handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailView {
    /// Its name.
    pub id: String,
    /// When it was taken in, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Why it is not handed over any more; nothing while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<DeadView>,
    /// The message.
    pub message: Value,
}

/// Why a message is not handed over any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadView {
    /// In a word: `unknown`, `expired`, `poison`, `removed`.
    pub cause: String,
    /// What a person reads about it.
    pub words: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// A message that waits for an agent that lives outside, until it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingView {
    /// Its number, by which it is acknowledged. A message that comes again with another server has another.
    pub number: u64,
    /// Its name, by which a repeat is known; nothing for a transient one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What caused it (W3C Trace Context), where that is known: sent along with what the agent says about it, that belongs to
    /// the same trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The message.
    pub message: Value,
}

/// What an agent that lives outside finds when it looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboxView {
    /// The message that is next; nothing when none came in time.
    pub waiting: Option<WaitingView>,
}

/// Something that happened to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentEventView {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Its kind: `agent.started`, `agent.crashed`, …
    pub kind: String,
    /// What is said of it.
    pub data: Value,
}
