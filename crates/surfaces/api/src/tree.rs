//! A server at one moment: everything that lives on it, and what it takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AgentView;

/// Where an actor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActorState {
    /// It is being begun, or waits for its turn.
    Starting,
    /// It deals with messages.
    Running,
    /// It was told to stop and has not ended.
    Stopping,
    /// It crashed, and is begun anew.
    Resting,
    /// It ended as it should.
    Stopped,
    /// It crashed or was killed, and was given up.
    Failed,
}

/// One actor: an agent, a supervisor, or somebody who waits for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActorView {
    /// Its identity while the server runs: `act_7`. It keeps it when it is begun anew.
    pub id: String,
    /// Who supervises it; nobody at the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Its name, if it has one. An agent's is the agent's: `echo@local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What kind of actor it is: `supervisor`, `agent`.
    pub kind: String,
    /// What kind of agent it is, if it is one: `wasm echo 1.2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Where it stands.
    pub state: ActorState,
    /// Messages that wait in its mailbox.
    pub waiting: usize,
    /// Room for messages in its mailbox.
    pub capacity: usize,
    /// Durable messages that are under way to it, if it is an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<usize>,
    /// Messages that it dealt with since it was first begun.
    pub handled: u64,
    /// How often it was begun anew.
    pub restarts: u32,
    /// When it was last begun, in milliseconds since the Unix epoch; nothing before the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_ms: Option<u64>,
    /// Why it crashed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Bytes of memory that its guest holds, if it is an agent in a sandbox of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// What its questions to models have cost since the server began, in dollars, as far as prices are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

/// A server and everything that lives on it. The actors are looked at one after the other: the whole is not one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TreeView {
    /// Bottega's version there.
    pub version: String,
    /// When this was looked at, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// When the server began, in milliseconds since the Unix epoch.
    pub begun_ms: u64,
    /// Bytes of memory that the server's process holds, all agents included; nothing where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Every living actor, in order of birth, so that each comes after its parent.
    pub actors: Vec<ActorView>,
    /// Agents that have no actor: they were stopped, or given up.
    pub absent: Vec<AgentView>,
}
