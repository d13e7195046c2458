//! Agents that live on a server: the trait through which every surface works with them.

use std::path::PathBuf;

use async_trait::async_trait;
use bottega_api::{
    AgentEventView, AgentView, AnswerView, ApiError, AskRequest, AskStepView, BatchRequest,
    DeployRequest, InboxView, MailView, ReceiptView, SendRequest, TreeView,
};
use futures::StreamExt as _;
use futures::stream::BoxStream;

use crate::{Groups, Tenders};

/// Agents that live on a server. A name is `echo@local`, or `echo` for one of the server's own.
#[async_trait]
pub trait Agents: Tenders + Groups {
    /// Where they live, in words for people: the server's address.
    fn place(&self) -> String;

    /// Lets an agent live here, and keeps it: it is begun again with the server.
    async fn deploy(&self, request: DeployRequest) -> Result<AgentView, ApiError>;

    /// Everybody who lives here, by name.
    async fn list(&self) -> Result<Vec<AgentView>, ApiError>;

    /// Everything that lives here under its supervisors, and what the server takes.
    async fn tree(&self) -> Result<TreeView, ApiError>;

    /// One agent.
    async fn show(&self, name: &str) -> Result<AgentView, ApiError>;

    /// What happened to an agent, the latest `limit` events, the oldest of them first.
    async fn events(&self, name: &str, limit: usize) -> Result<Vec<AgentEventView>, ApiError>;

    /// What happened to an agent after its first `after` events, in order, at most `limit` of them. This reads all of them;
    /// whoever can begin further on does.
    async fn events_after(
        &self,
        name: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AgentEventView>, ApiError> {
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let all = self.events(name, usize::MAX).await?;
        Ok(all.into_iter().skip(skipped).take(limit).collect())
    }

    /// Begins an agent that was stopped or given up.
    async fn start(&self, name: &str) -> Result<AgentView, ApiError>;

    /// Stops an agent, after it dealt with what waits for it.
    async fn stop(&self, name: &str) -> Result<AgentView, ApiError>;

    /// Stops an agent and begins it again.
    async fn restart(&self, name: &str) -> Result<AgentView, ApiError>;

    /// Lets another version of an agent take over, with what the present one knows.
    async fn upgrade(&self, name: &str, request: DeployRequest) -> Result<AgentView, ApiError>;

    /// Lets the version take over that was there before the last upgrade.
    async fn roll_back(&self, name: &str) -> Result<AgentView, ApiError>;

    /// Takes an agent away. What is under way to it becomes dead letters.
    async fn remove(&self, name: &str) -> Result<(), ApiError>;

    /// Sends a message.
    async fn send(&self, request: SendRequest) -> Result<ReceiptView, ApiError>;

    /// Sends messages one after the other, and tells of each. A server far away tells of it as soon as it is dealt with.
    async fn send_batch(&self, request: BatchRequest) -> Result<BatchSteps, ApiError> {
        let mut steps = Vec::new();
        for message in request.messages {
            steps.push(Ok(self.send(message).await));
        }
        Ok(futures::stream::iter(steps).boxed())
    }

    /// Sends a message and waits for the first answer.
    async fn ask(&self, request: AskRequest) -> Result<AnswerView, ApiError>;

    /// Sends a message, tells what is done about it while it is done, and at last the first answer.
    async fn ask_following(&self, request: AskRequest) -> Result<AskSteps, ApiError>;

    /// Durable messages to an agent that were not handled, dead ones included.
    async fn mail(&self, name: &str) -> Result<Vec<MailView>, ApiError>;

    /// The same from the place behind `after` on, at most `limit`, each with its place: what goes on being there keeps its
    /// place, and places only rise. Names don't: whoever resends or names a message gives it a place behind others.
    async fn mail_after(
        &self,
        name: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, MailView)>, ApiError> {
        let all = (1..).zip(self.mail(name).await?);
        Ok(all.filter(|(place, _)| *place > after).take(limit).collect())
    }

    /// The message that is next for an agent that lives outside; nothing when none came within `wait_ms`. It is next until
    /// it is acknowledged, whoever asks how often.
    async fn inbox(&self, name: &str, wait_ms: u64) -> Result<InboxView, ApiError>;

    /// An agent that lives outside has dealt with the message of this number. Once more does no harm.
    async fn acknowledge(&self, name: &str, number: u64) -> Result<(), ApiError>;

    /// Hands a dead letter over once more.
    async fn resend(&self, name: &str, id: &str) -> Result<(), ApiError>;
}

/// What is done about a question, step by step; the last step is the answer, or why there is none. Dropping it gives the question
/// up; what was begun for it goes on.
pub type AskSteps = BoxStream<'static, Result<AskStepView, ApiError>>;

/// What became of each message of a batch, in their order; an error is that no more can be told.
pub type BatchSteps = BoxStream<'static, Result<Result<ReceiptView, ApiError>, ApiError>>;

/// Where agents live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// The address of the server; the one that runs on this machine when absent.
    pub server: Option<String>,
    /// The file with certificates that are believed in beside the system's, as it was written; the settings' when absent.
    pub ca_cert: Option<PathBuf>,
}

/// How a server is to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeRequest {
    /// Address and port: `127.0.0.1:7437`. Port 0 is any free one.
    pub listen: String,
}

/// Where a server listens, once it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Its address: `http://127.0.0.1:7437`.
    pub url: String,
    /// The file that holds the token which lets clients in.
    pub token_file: String,
}
