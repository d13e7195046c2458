//! What lies beyond the agency, for guests that were granted some of it.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::AgentName;
use bottega_manifest::{Answer, HttpRequest, HttpResponse, Question, Refusal, Webhook};

/// A message on its way to an agent that lives outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burden {
    /// Its name, the same however often it is brought (`webhook-id`).
    pub name: String,
    /// What is brought, as JSON.
    pub body: Vec<u8>,
    /// What caused it (W3C Trace Context), so that what the agent does about it belongs to it too.
    pub traceparent: Option<String>,
}

/// What a receiver said to a message that was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brought {
    /// The status code.
    pub status: u16,
    /// How long it wants not to be asked again (`retry-after`).
    pub put_off: Option<Duration>,
}

/// The web, models and tools. The kernel names no client of them; the app hands it one of these.
///
/// It is asked for what a manifest grants, after that was noted in the agent's record. It promises what
/// [`Host`](bottega_manifest::Host) promises of these calls.
#[async_trait]
pub trait Beyond: Send + Sync {
    /// Sends a request in a guest's name, and waits for the whole answer.
    async fn fetch(&self, by: &AgentName, request: HttpRequest) -> Result<HttpResponse, Refusal>;

    /// Asks a model in a guest's name, and waits for the whole answer.
    async fn ask(&self, by: &AgentName, question: Question) -> Result<Answer, Refusal>;

    /// Calls a tool in a guest's name. `home` is the guest's own folder, in which the tool works.
    async fn call(
        &self,
        by: &AgentName,
        home: &Path,
        tool: String,
        arguments: String,
    ) -> Result<String, Refusal>;

    /// Looks whether messages can be brought there: the address may be reached, and the secret that signs them is at hand.
    ///
    /// # Errors
    /// Why not, and what to do about it.
    fn admits(&self, webhook: &Webhook) -> Result<(), Refusal> {
        let _ = webhook;
        Err(not_offered("webhook"))
    }

    /// Brings a message to an agent that lives outside, once, signed as Standard Webhooks has it.
    async fn bring(
        &self,
        to: &AgentName,
        webhook: &Webhook,
        burden: Burden,
    ) -> Result<Brought, Refusal> {
        let _ = (to, webhook, burden);
        Err(not_offered("webhook"))
    }

    /// A guest's words for the log and the record, without secrets of the settings.
    fn clean(&self, words: &str) -> String {
        words.to_owned()
    }

    /// A guest was stopped or has gone: what it left at work beyond is ended.
    async fn gone(&self, by: &AgentName) {
        let _ = by;
    }
}

/// Nothing lies beyond: everything is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

fn not_offered(capability: &str) -> Refusal {
    Refusal::Unavailable(format!("this host does not offer `{capability}`"))
}

#[async_trait]
impl Beyond for Nothing {
    async fn fetch(&self, _: &AgentName, _: HttpRequest) -> Result<HttpResponse, Refusal> {
        Err(not_offered("http"))
    }

    async fn ask(&self, _: &AgentName, _: Question) -> Result<Answer, Refusal> {
        Err(not_offered("model"))
    }

    async fn call(&self, _: &AgentName, _: &Path, _: String, _: String) -> Result<String, Refusal> {
        Err(not_offered("tools"))
    }
}
