//! Why a model gave no answer, and what can be done about it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What went wrong, in one meaning for every provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Too many requests for now (HTTP 429).
    RateLimited,
    /// The provider has too much to do or failed inside (HTTP 500, 502, 503, 504, 529).
    Overloaded,
    /// Nothing arrived for too long.
    Timeout,
    /// The connection could not be made or broke before an answer began.
    Network,
    /// The connection ended before the answer did.
    CutOff,
    /// What arrived does not follow the provider's protocol.
    Garbled,
    /// The key is missing or wrong (HTTP 401).
    Authentication,
    /// The key may not do this (HTTP 403).
    Permission,
    /// No such model or address (HTTP 404).
    NotFound,
    /// The request is not acceptable (HTTP 400, 422).
    InvalidRequest,
    /// The conversation does not fit the model's window.
    ContextOverflow,
    /// The account has no money or quota left.
    QuotaExhausted,
    /// The model can't do what the request needs (images, tools, schemas).
    Unsupported,
    /// Our own budget forbids the call; nothing was sent.
    Budget,
    /// A fault of our own.
    Internal,
}

/// When the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After a pause; at the time the provider named, when it did.
    After(Option<Duration>),
    /// Once the conversation is shorter.
    WhenShorter,
    /// Not at all: the same request will fail the same way.
    Never,
}

/// Why a model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub struct ModelError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What the provider or the adapter said about it. Never holds a key.
    pub message: String,
    /// The HTTP status, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When the provider wants to be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl ModelError {
    /// An error without status or date.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None }
    }

    /// When the same request may be sent again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self.kind {
            ErrorKind::RateLimited
            | ErrorKind::Overloaded
            | ErrorKind::Timeout
            | ErrorKind::Network
            | ErrorKind::CutOff
            | ErrorKind::Garbled => Retry::After(self.retry_after),
            ErrorKind::ContextOverflow => Retry::WhenShorter,
            ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::InvalidRequest
            | ErrorKind::QuotaExhausted
            | ErrorKind::Unsupported
            | ErrorKind::Budget
            | ErrorKind::Internal => Retry::Never,
        }
    }

    /// What the user can do, in one sentence.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self.kind {
            ErrorKind::RateLimited => "wait a little, or name a fallback model in the route",
            ErrorKind::Overloaded => "try again later, or name a fallback model in the route",
            ErrorKind::Timeout => {
                "try again, or raise `models.idle_timeout` (silence) or `models.deadline` (the whole question)"
            }
            ErrorKind::Network => "check the address and the connection (`bottega doctor`)",
            ErrorKind::CutOff => {
                "try again; if it repeats, the provider or a proxy cuts long answers"
            }
            ErrorKind::Garbled => "check that the address speaks this provider's protocol",
            ErrorKind::Authentication => {
                "set the provider's key (`bottega secret set`) and try again"
            }
            ErrorKind::Permission => "use a key that may use this model, or another model",
            ErrorKind::NotFound => "check the model's name (`bottega model list`) and the base URL",
            ErrorKind::InvalidRequest => {
                "read the provider's message; please report it if it is not yours"
            }
            ErrorKind::ContextOverflow => "shorten the task or use a model with a larger window",
            ErrorKind::QuotaExhausted => "top up the account, or use another provider",
            ErrorKind::Unsupported => "use a model that can do this (`bottega model show`)",
            ErrorKind::Budget => "raise the budget, or split the task",
            ErrorKind::Internal => "run `bottega doctor`, and report it if it repeats",
        }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::RateLimited => "rate limited",
            ErrorKind::Overloaded => "provider overloaded",
            ErrorKind::Timeout => "no answer in time",
            ErrorKind::Network => "connection failed",
            ErrorKind::CutOff => "answer cut off",
            ErrorKind::Garbled => "garbled answer",
            ErrorKind::Authentication => "not authenticated",
            ErrorKind::Permission => "not permitted",
            ErrorKind::NotFound => "not found",
            ErrorKind::InvalidRequest => "request refused",
            ErrorKind::ContextOverflow => "context too long",
            ErrorKind::QuotaExhausted => "quota exhausted",
            ErrorKind::Unsupported => "not supported by the model",
            ErrorKind::Budget => "budget reached",
            ErrorKind::Internal => "internal fault",
        };
        write!(f, "{what}: {}", self.message)
    }
}
