//! The port behind the capabilities.

use async_trait::async_trait;
use bottega_types::Tokens;

/// Why the host did not do what a guest asked. The text is for people and models.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The grant does not cover it. Asking again is useless.
    #[error("{0}")]
    Denied(String),
    /// It makes no sense as it was asked.
    #[error("{0}")]
    Malformed(String),
    /// A budget or a bound is used up.
    #[error("{0}")]
    Exhausted(String),
    /// It failed this time and may work later.
    #[error("{0}")]
    Unavailable(String),
}

/// How much a line of a guest matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For who looks for a fault.
    Debug,
    /// For who wants to know what goes on.
    Info,
    /// Something to look at.
    Warn,
    /// Something went wrong.
    Error,
}

/// A request of a guest. Its host was in the manifest's list when this was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// The address.
    pub url: bottega_policy::egress::WebUrl,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; may be empty.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A question of a guest to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// A route that the manifest lists; the host's default when absent.
    pub route: Option<String>,
    /// What the model is told about its part.
    pub instructions: String,
    /// What it is asked.
    pub prompt: String,
    /// The longest answer that the guest wants.
    pub longest: Tokens,
    /// The most that question and answer may cost together. Already reserved.
    pub within: Tokens,
}

/// What a model said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its words.
    pub text: String,
    /// What question and answer cost.
    pub tokens: Tokens,
}

/// Carries out what a guest was granted and asked for. One value serves one guest, so that it knows who asks.
///
/// It is called only for what the manifest grants: listed hosts, tools and routes, within the budget. Every
/// implementation promises:
/// * authority: what the house asks of everybody holds here too; a tool call is judged, a model call booked, an
///   address screened, a message admitted. A grant opens nothing that a rule closes;
/// * bounds: an answer fits the memory of the guest, or the call is refused as exhausted;
/// * `within`: a model call costs no more than that, question and answer together;
/// * redirects are answers, and never followed;
/// * messages: `send` may be held back until the handling of the present message ended, and forgotten when it failed;
/// * cancellation: a future that is dropped has done all of it or nothing, or what it did is known to whoever recovers.
///
/// The defaults refuse, so that a host implements what it offers.
#[async_trait]
pub trait Host: Send + Sync {
    /// Sends one FIPA-ACL message, given as JSON, in the guest's name.
    async fn send(&self, _message: String) -> Result<(), Refusal> {
        Err(not_offered("send"))
    }

    /// Finds agents. Query and entries are JSON.
    async fn search(&self, _query: String) -> Result<Vec<String>, Refusal> {
        Err(not_offered("directory"))
    }

    /// The value under a key of the guest's own.
    async fn get(&self, _key: String) -> Result<Option<Vec<u8>>, Refusal> {
        Err(not_offered("key-value"))
    }

    /// Sets it; forgets the key when there is no value.
    async fn set(&self, _key: String, _value: Option<Vec<u8>>) -> Result<(), Refusal> {
        Err(not_offered("key-value"))
    }

    /// Writes a line of the guest's. Never waits.
    fn log(&self, _level: Level, _text: &str) {}

    /// Sends a request and waits for the whole answer.
    async fn fetch(&self, _request: HttpRequest) -> Result<HttpResponse, Refusal> {
        Err(not_offered("http"))
    }

    /// Asks a model and waits for the whole answer.
    async fn ask(&self, _question: Question) -> Result<Answer, Refusal> {
        Err(not_offered("model"))
    }

    /// Calls a tool with arguments in JSON.
    async fn call(&self, _tool: String, _arguments: String) -> Result<String, Refusal> {
        Err(not_offered("tools"))
    }
}

fn not_offered(capability: &str) -> Refusal {
    Refusal::Unavailable(format!("this host does not offer `{capability}`"))
}

/// A host that offers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {}
