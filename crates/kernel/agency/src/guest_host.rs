//! What a WASM guest's capabilities do: in its agent's name, through the same ways as everybody's.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::directory::{SearchConstraints, Template};
use bottega_acl::{AgentName, Aid, json};
use bottega_behaviour::Unsent;
use bottega_event::{AgentEvent, AgentLogged, AgentReached, StreamId};
use bottega_manifest::{
    Answer, Capability, Host, HttpRequest, HttpResponse, Level, Question, Refusal,
};
use bottega_store::Projections;
use bottega_telemetry::here;
use tokio::sync::{mpsc, oneshot};

use crate::beyond::Beyond;
use crate::chronicle::{Entry, Told};
use crate::desk::Desk;
use crate::facilitator::Facilitator;
use crate::keep::Keep;

/// The most entries that a search brings.
const FOUND: usize = 256;
/// The longest line that is kept, in bytes.
const LONGEST: usize = 4_096;

/// Carries out what one guest was granted.
pub(crate) struct GuestHost {
    pub(crate) name: AgentName,
    pub(crate) desk: Arc<Desk>,
    pub(crate) views: Arc<dyn Projections>,
    pub(crate) facilitator: Arc<Facilitator>,
    pub(crate) entries: mpsc::Sender<Told>,
    pub(crate) beyond: Arc<dyn Beyond>,
    /// The guest's own folder.
    pub(crate) home: PathBuf,
}

impl GuestHost {
    /// Stores what the guest is about to do beyond the agency, before it does it.
    async fn note(&self, capability: Capability, what: String) -> Result<(), Refusal> {
        let what = what[..what.floor_char_boundary(LONGEST)].to_owned();
        let event = AgentEvent::from(AgentReached {
            capability: capability.to_string(),
            what,
            trace: here().map(|trail| trail.context().clone()),
        });
        let (stream, at) = (StreamId::agent(&self.name), self.desk.clock.now());
        let entry = Entry { stream, at, event: event.encode() };
        let (answer, written) = oneshot::channel();
        let gone = |_| Refusal::Unavailable("the server is about to end".to_owned());
        self.entries.send(Told::Happened(entry)).await.map_err(gone)?;
        self.entries.send(Told::Written(answer)).await.map_err(gone)?;
        match written.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Refusal::Unavailable("it could not be noted".to_owned())),
        }
    }

    fn keep(&self) -> Keep<'_> {
        Keep::of(self.desk.as_ref(), self.views.as_ref())
    }
}

#[async_trait]
impl Host for GuestHost {
    async fn send(&self, message: String) -> Result<(), Refusal> {
        let message = json::decode(message.as_bytes())
            .map_err(|malformed| Refusal::Malformed(malformed.to_string()))?;
        let message = message.from(Aid::new(self.name.clone()));
        match self.desk.send(message, None, None).await {
            Ok(_) => Ok(()),
            Err(why @ Unsent::Inadmissible(_)) => Err(Refusal::Malformed(why.to_string())),
            Err(why @ Unsent::Undelivered(_)) => Err(Refusal::Unavailable(why.to_string())),
        }
    }

    async fn search(&self, query: String) -> Result<Vec<String>, Refusal> {
        let template: Template = serde_json::from_str(&query).map_err(|error| {
            let example = r#"{"services":[{"type":"greeting"}]}"#;
            Refusal::Malformed(format!("the query is no template: {error}; write {example}"))
        })?;
        let most = SearchConstraints { max_results: Some(FOUND) };
        let found = self.facilitator.search(&template, most, self.desk.clock.now());
        // An entry came as JSON, so it goes as JSON.
        Ok(found.iter().map(|entry| serde_json::to_string(entry).unwrap_or_default()).collect())
    }

    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Refusal> {
        self.keep().get(&self.name, &key).await
    }

    async fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        self.keep().set(&self.name, key, value).await
    }

    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        // Not the whole address: what is asked for may be secret.
        let what = format!("{} {}", request.method, request.url.target());
        self.note(Capability::Http, what).await?;
        self.beyond.fetch(&self.name, request).await
    }

    async fn ask(&self, question: Question) -> Result<Answer, Refusal> {
        let route = question.route.as_deref().unwrap_or("the usual model");
        let what = format!("{route}, {} tokens at most", question.within);
        self.note(Capability::Model, what).await?;
        self.beyond.ask(&self.name, question).await
    }

    async fn call(&self, tool: String, arguments: String) -> Result<String, Refusal> {
        self.note(Capability::Tools, tool.clone()).await?;
        self.beyond.call(&self.name, &self.home, tool, arguments).await
    }

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        let text = self.beyond.clean(&text[..text.floor_char_boundary(LONGEST)]);
        // In the log it is one line, whatever it is.
        let line = text.replace(char::is_control, " ");
        tracing::info!(agent = %self.name, level, "{line}");
        let event = AgentEvent::from(AgentLogged {
            level: level.to_owned(),
            text,
            trace: here().map(|trail| trail.context().clone()),
        })
        .encode();
        let (stream, at) = (StreamId::agent(&self.name), self.desk.clock.now());
        // A guest that writes without end must not hold anybody up: what does not fit is lost.
        let _ = self.entries.try_send(Told::Happened(Entry { stream, at, event }));
    }
}
