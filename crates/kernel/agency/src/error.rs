//! Why the agency did not do what it was asked.

use bottega_acl::AgentName;
use bottega_store::{AppendError, StoreError};
use bottega_types::MessageId;

/// Why the agency did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgencyError {
    /// Nobody of that name lives here.
    #[error("no agent `{0}` lives here; list the agents to see who does")]
    Unknown(AgentName),
    /// The name is taken.
    #[error(
        "an agent `{0}` lives here already; choose another name, upgrade it, or remove it first"
    )]
    Taken(AgentName),
    /// The name is of another platform.
    #[error("`{name}` is not of this platform; agents here are named `…@{platform}`")]
    Foreign {
        /// What was asked for.
        name: AgentName,
        /// The platform's own name.
        platform: String,
    },
    /// Its first incarnation did not come up.
    #[error("the agent `{name}` could not begin: {why}")]
    NotBegun {
        /// Which.
        name: AgentName,
        /// In its own words.
        why: String,
    },
    /// A new version did not come up, and the one before goes on.
    #[error("the new version of `{name}` could not begin ({why}); the one before goes on")]
    RolledBack {
        /// Which.
        name: AgentName,
        /// In its own words.
        why: String,
    },
    /// There is no version to go back to.
    #[error("no other version of `{0}` was deployed before this one")]
    NoVersion(AgentName),
    /// There is no such dead letter.
    #[error("`{name}` has no dead letter {id}")]
    NoLetter {
        /// Whose.
        name: AgentName,
        /// Which.
        id: MessageId,
    },
    /// The manifest, the module or the settings of a guest are not what they should be.
    #[error("{0}")]
    Malformed(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An append was refused.
    #[error(transparent)]
    Append(#[from] AppendError),
}
