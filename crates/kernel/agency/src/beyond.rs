//! What lies beyond the agency, for guests that were granted some of it.

use std::path::Path;

use async_trait::async_trait;
use bottega_acl::AgentName;
use bottega_manifest::{Answer, HttpRequest, HttpResponse, Question, Refusal};

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
