//! Where text came from that nobody vouches for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command::reached;
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
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host } => f.pad(host),
            Self::File { path } => f.pad(path),
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
            Self::Read { .. } | Self::Write { .. } | Self::Execute { .. } => None,
        }
    }

    /// Whether what the agent knows can leave the machine through this need: over the network, or by a command outside
    /// the sandbox that is there to send something. Outside the sandbox any program may send; who works there without
    /// being asked has given that up, and is only asked about what plainly does.
    #[must_use]
    pub fn is_sink(&self) -> bool {
        match self {
            Self::Network { .. } => true,
            Self::Execute { command, parts, caged: false } => {
                let reached = reached(command);
                parts.is_empty()
                    || reached.uncertain
                    || reached.commands.iter().any(|command| sends(&command.spellings()[1]))
            }
            Self::Read { .. } | Self::Write { .. } | Self::Execute { .. } => false,
        }
    }
}

/// Programs that are there to send something; after some of them, the word that says so.
const SENDERS: [(&str, &str); 24] = [
    ("curl", ""),
    ("wget", ""),
    ("http", ""),
    ("https", ""),
    ("nc", ""),
    ("ncat", ""),
    ("netcat", ""),
    ("socat", ""),
    ("telnet", ""),
    ("ssh", ""),
    ("scp", ""),
    ("sftp", ""),
    ("ftp", ""),
    ("rsync", ""),
    ("rclone", ""),
    ("mail", ""),
    ("sendmail", ""),
    ("gh", ""),
    ("glab", ""),
    ("aws", ""),
    ("git", "push"),
    ("cargo", "publish"),
    ("npm", "publish"),
    ("twine", "upload"),
];

/// Whether a command is there to send something.
fn sends(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let sends = |(sender, verb): &(&str, &str)| {
        sender == program && (verb.is_empty() || arguments.contains(verb))
    };
    SENDERS.iter().any(sends)
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
