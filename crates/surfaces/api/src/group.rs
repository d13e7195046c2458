//! Topics, queue groups and the blackboard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DeliveryClass;

/// An agent that is to be told of what is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscribeRequest {
    /// The agent: `echo@local`, or `echo` for one of the server's own.
    pub agent: String,
    /// Of which topics: dotted words, in which `*` stands for one word and `>` at the end for one or more.
    pub pattern: String,
    /// The queue group with which it shares them: each publication goes to one member. It gets all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// An agent that is told of what is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionView {
    /// The agent.
    pub agent: String,
    /// Of which topics.
    pub pattern: String,
    /// The queue group with which it shares them, if any.
    pub group: Option<String>,
}

/// Something to be told to all who subscribed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// What is said: text as it is, anything else as JSON.
    pub content: Value,
    /// How it is kept, instead of what each receiver says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryClass>,
    /// Names it, so that each receiver gets it once however often it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// Who was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedView {
    /// Those who have it.
    pub reached: Vec<String>,
    /// Those who could not be told. Members of a queue group stand here too whose turn another one took.
    pub missed: Vec<MissedView>,
}

/// One who could not be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissedView {
    /// The agent.
    pub agent: String,
    /// Why not, in words.
    pub why: String,
}

/// What stands on the blackboard under one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntryView {
    /// Its name: dotted words.
    pub name: String,
    /// What stands there.
    pub value: Value,
    /// Who wrote it.
    pub author: String,
    /// Which of all the board's writes this was. A version never comes again.
    pub version: u64,
    /// When it was written, in milliseconds since the epoch.
    pub at_ms: u64,
    /// From when on it is gone, in milliseconds since the epoch; it stays when absent.
    pub expires_ms: Option<u64>,
}

/// An entry to be written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteRequest {
    /// What is to stand there: any JSON.
    pub value: Value,
    /// How long it stands, in milliseconds; it stays when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
    /// The version that must stand there for it, 0 for none; whatever stands when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// In whose name; the operator's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Names the wish, so that it is carried out once however often it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// An entry to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeRequest {
    /// The version that must stand there for it; whatever stands when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
    /// In whose name; the operator's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Names the wish, so that it is carried out once however often it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}
