//! Why a group did not do what it was asked for.

use bottega_acl::AgentName;
use bottega_acl::blackboard::BoardRefusal;
use bottega_acl::topic::{Misnamed, TooManySubscriptions};
use bottega_agency::AgencyError;
use bottega_store::{AppendError, StoreError};

/// Why a group did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// It is no name of a topic, of a pattern, of a queue group or of an entry.
    #[error(transparent)]
    Misnamed(#[from] Misnamed),
    /// There are too many already.
    #[error(transparent)]
    TooMany(#[from] TooManySubscriptions),
    /// Nobody of that name lives here.
    #[error("no agent is called `{0}`")]
    Unknown(AgentName),
    /// The board stays as it is.
    #[error(transparent)]
    Board(#[from] BoardRefusal),
    /// The wish was refused when it came first, and is refused again.
    #[error("{0}")]
    Refused(String),
    /// What was asked for can't be understood.
    #[error("{0}")]
    Malformed(String),
    /// The group could not begin.
    #[error(transparent)]
    Agency(#[from] AgencyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store failed.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Something in it broke.
    #[error("it broke while it was done; look into the log")]
    Broken,
}

impl GroupError {
    /// Whether it may go better another time: then whoever asked durably is heard once more.
    pub(crate) const fn is_passing(&self) -> bool {
        match self {
            Self::Agency(_) | Self::Store(_) | Self::Append(_) | Self::Broken => true,
            Self::Misnamed(_)
            | Self::TooMany(_)
            | Self::Unknown(_)
            | Self::Board(_)
            | Self::Refused(_)
            | Self::Malformed(_) => false,
        }
    }
}
