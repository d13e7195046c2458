//! Why the platform could not do what was asked.

use bottega_behaviour::Refusal;
use bottega_event::Undecodable;
use bottega_store::{AppendError, StoreError};
use bottega_types::SessionId;

/// Why the platform could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// There is no such session.
    #[error("there is no session {0}")]
    NoSession(SessionId),
    /// A session's history has no such place.
    #[error("{session} has the places 1 to {last}, and no {at}")]
    NoPlace {
        /// The session.
        session: SessionId,
        /// The place that was named.
        at: u64,
        /// The last place of its history.
        last: u64,
    },
    /// The agent refuses the input as things stand.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another process drives the session.
    #[error("another process is working on session {0}")]
    Contended(SessionId),
    /// The session's loop has ended.
    #[error("session {0} is closed")]
    Closed(SessionId),
    /// The session's loop broke down: a fault of this program. What was stored is whole, and the work can be resumed.
    #[error("the loop of session {session} broke down ({why})")]
    Broke {
        /// The session.
        session: SessionId,
        /// The words of the panic.
        why: String,
    },
    /// No agent of that name is known.
    #[error("there is no agent `{0}`")]
    NoAgent(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored event can't be read.
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    /// A file could not be put back.
    #[error(transparent)]
    Workspace(#[from] bottega_tool::WorkspaceError),
}

impl PlatformError {
    /// What an append's refusal means for the session that made it.
    pub(crate) fn of_append(session: SessionId, error: AppendError) -> Self {
        match error {
            AppendError::Moved { .. } => Self::Contended(session),
            AppendError::Malformed(why) => Self::Store(StoreError::Failed(why.to_string())),
            AppendError::Store(error) => Self::Store(error),
        }
    }
}
