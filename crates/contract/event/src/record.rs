//! The envelope around a stored event.

use std::fmt;
use std::sync::Arc;

use bottega_acl::AgentName;
use bottega_types::{CommandId, Digest, SessionId, TenderId, Timestamp};
use serde::{Deserialize, Serialize};

/// The place of a record among all records of a journal, from 1, without gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// The place of a record in its stream, from 1, without gaps. Zero is the empty stream.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// The name of a stream: a kind and what it is about, as in `session/ses_01jd…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId(Arc<str>);

/// Text that can't name a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` can't name a stream: 1 to 200 printable ASCII characters without spaces, as in `session/ses_01…`"
)]
pub struct NotAStreamId(String);

impl StreamId {
    /// Checks and takes a name.
    pub fn new(name: impl Into<String>) -> Result<Self, NotAStreamId> {
        let name = name.into();
        if name.is_empty() || name.len() > 200 || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(NotAStreamId(name));
        }
        Ok(Self(name.into()))
    }

    /// The stream of a session.
    #[must_use]
    pub fn session(session: SessionId) -> Self {
        Self(format!("session/{session}").into())
    }

    /// The stream of what was spent on a day.
    #[must_use]
    pub fn spending(day: bottega_types::Day) -> Self {
        Self(format!("spending/{day}").into())
    }

    /// The stream of what people allowed.
    #[must_use]
    pub fn grants() -> Self {
        Self("grants".into())
    }

    /// The stream of the durable messages to an agent. A name that can't stand in a stream's is there by its digest.
    #[must_use]
    pub fn mail(agent: &AgentName) -> Self {
        Self::about_agent("mail", agent)
    }

    /// The stream of a task that was put out to tender.
    #[must_use]
    pub fn tender(tender: TenderId) -> Self {
        Self(format!("tender/{tender}").into())
    }

    /// The tender that this is the stream of.
    #[must_use]
    pub fn as_tender(&self) -> Option<TenderId> {
        self.0.strip_prefix("tender/")?.parse().ok()
    }

    /// The stream of what agents said of themselves in the directory.
    #[must_use]
    pub fn directory() -> Self {
        Self("directory".into())
    }

    /// The stream of who subscribed to which topics.
    #[must_use]
    pub fn topics() -> Self {
        Self("topics".into())
    }

    /// The stream of what stands on the blackboard.
    #[must_use]
    pub fn blackboard() -> Self {
        Self("blackboard".into())
    }

    /// The stream of what an agent keeps.
    #[must_use]
    pub fn keep(agent: &AgentName) -> Self {
        Self::about_agent("keep", agent)
    }

    /// The stream of an agent's life.
    #[must_use]
    pub fn agent(agent: &AgentName) -> Self {
        Self::about_agent("agent", agent)
    }

    fn about_agent(kind: &str, agent: &AgentName) -> Self {
        Self::new(format!("{kind}/{agent}")).unwrap_or_else(|_| {
            let digest = bottega_types::Digest::of(agent.as_str().as_bytes());
            Self(format!("{kind}/#{digest}").into())
        })
    }

    /// Whether it is the stream of an agent's life.
    #[must_use]
    pub fn is_of_agent(&self) -> bool {
        self.0.starts_with("agent/")
    }

    /// The session that this is the stream of.
    #[must_use]
    pub fn as_session(&self) -> Option<SessionId> {
        self.0.strip_prefix("session/")?.parse().ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for StreamId {
    type Error = NotAStreamId;

    fn try_from(name: String) -> Result<Self, NotAStreamId> {
        Self::new(name)
    }
}

impl From<StreamId> for String {
    fn from(stream: StreamId) -> Self {
        stream.0.to_string()
    }
}

/// An event that wants to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What kind it is: a name of the catalogue.
    pub kind: Arc<str>,
    /// The version of its stored form, from 1.
    pub version: u16,
    /// Its stored form: JSON text, kept to the byte.
    pub data: Arc<str>,
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place among all records.
    pub position: Position,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in that stream.
    pub revision: Revision,
    /// The event.
    pub event: NewEvent,
    /// When it was stored.
    pub at: Timestamp,
    /// The command that caused it.
    pub command: CommandId,
    /// The digest of the record before; [`Digest::ZERO`] for the first.
    pub previous: Digest,
    /// The digest of this record; see [`link`](crate::link).
    pub digest: Digest,
}
