//! Where text came from that nobody vouches for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Need, Place, Rule};

/// Where text came from that nobody vouches for: whoever wrote it may want the agent to do something.
///
/// Such text is data for the agent, never an instruction; and once it was read, what the agent sends away may be
/// what that text asked for (prompt injection: Greshake et al. 2023, "Not what you've signed up for").
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// A host of the network.
    Host {
        /// Its name or address.
        host: String,
    },
    /// A file outside the workspace.
    File {
        /// Its path.
        path: String,
    },
    /// A command that ran outside the sandbox.
    Command {
        /// The command line.
        command: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host } => f.pad(host),
            Self::File { path } => f.pad(path),
            Self::Command { command } => write!(f, "`{command}`"),
        }
    }
}

impl Need {
    /// Where the output of a call with this need may come from, when not from the workspace.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        match self {
            Self::Network { host } => Some(Origin::Host { host: host.clone() }),
            Self::Read { path, place: Place::Outside } => Some(Origin::File { path: path.clone() }),
            Self::Execute { command, caged: false, .. } => {
                Some(Origin::Command { command: command.clone() })
            }
            Self::Read { .. } | Self::Write { .. } | Self::Execute { .. } => None,
        }
    }

    /// Whether what the agent knows can leave the machine through this need.
    #[must_use]
    pub const fn is_sink(&self) -> bool {
        matches!(self, Self::Network { .. } | Self::Execute { caged: false, .. })
    }
}

/// The origins of a call's output that no trust rule vouches for.
#[must_use]
pub fn untrusted(needs: &[Need], trust: &[Rule]) -> Vec<Origin> {
    let vouched = |need: &&Need| !trust.iter().any(|rule| rule.touches(need));
    let mut origins: Vec<Origin> = needs.iter().filter(vouched).filter_map(Need::origin).collect();
    origins.sort();
    origins.dedup();
    origins
}
