//! The life of a hosted agent.

use bottega_types::{Digest, TraceContext};
use serde::{Deserialize, Serialize};

use crate::catalogue::events;

events! {
    /// An event of an `agent/NAME` stream.
    AgentEvent {
        /// An agent is to live here from now on, as it is told. It is begun again with each server.
        Deployed(AgentDeployed) = "agent.deployed", 1;
        /// A line that the agent wrote for people.
        Logged(AgentLogged) = "agent.logged", 1;
        /// The agent is about to use what lies beyond its server: the web, a model or a tool.
        Reached(AgentReached) = "agent.reached", 1;
        /// A message could not be brought to where the agent lives outside. It is tried again.
        WebhookFailed(AgentWebhookFailed) = "agent.webhook_failed", 1;
        /// What could not be brought was brought.
        WebhookRecovered(AgentWebhookRecovered) = "agent.webhook_recovered", 1;
        /// The agent came to live here.
        Hosted(AgentHosted) = "agent.hosted", 1;
        /// An incarnation of it is up.
        Started(AgentStarted) = "agent.started", 1;
        /// An incarnation crashed.
        Crashed(AgentCrashed) = "agent.crashed", 1;
        /// It crashed more often than it may, and is not begun again.
        GaveUp(AgentGaveUp) = "agent.gave_up", 1;
        /// Another version of it took over, or could not.
        Upgraded(AgentUpgraded) = "agent.upgraded", 1;
        /// It was stopped.
        Stopped(AgentStopped) = "agent.stopped", 1;
        /// It lives here no longer.
        Removed(AgentRemoved) = "agent.removed", 1;
    }
}

/// An agent is to live here from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDeployed {
    /// Its whole name.
    pub name: String,
    /// The text of its manifest.
    pub manifest: String,
    /// Its module, a blob.
    pub module: Digest,
    /// Its own settings, as JSON text.
    pub config: String,
}

/// A line that the agent wrote for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentLogged {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The line.
    pub text: String,
    /// What caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// The agent is about to use what lies beyond its server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReached {
    /// By which capability: `http`, `model` or `tools`.
    pub capability: String,
    /// What of it: a method and a host, a route, a tool.
    pub what: String,
    /// What caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// A message could not be brought to where the agent lives outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentWebhookFailed {
    /// Why.
    pub why: String,
    /// Whether it is tried again by itself. Else the receiver wants nothing more, until the agent is begun again.
    pub again: bool,
}

/// What could not be brought was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentWebhookRecovered {
    /// How often that had failed.
    pub failures: u32,
}

/// The agent came to live here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentHosted {
    /// What it is: `native`, `wasm echo 1.2.0`.
    pub kind: String,
    /// Whether its messages are stored.
    pub durable: bool,
}

/// An incarnation is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStarted {
    /// Its number since the agent was hosted, from 1.
    pub incarnation: u32,
}

/// An incarnation crashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCrashed {
    /// In its words.
    pub words: String,
    /// Whether the message over which it crashed is lost. A durable one never is.
    #[serde(default)]
    pub lost_message: bool,
}

/// It is not begun again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentGaveUp {}

/// Another version took over, or could not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUpgraded {
    /// What it is now, or was to be.
    pub kind: String,
    /// Why it could not; the version before goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// It was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStopped {
    /// Whether it had dealt with all that its mailbox held.
    pub drained: bool,
}

/// It lives here no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRemoved {}
