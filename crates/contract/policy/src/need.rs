//! What a call needs to be allowed to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a path lies, as the workspace resolved it (links followed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the workspace.
    Inside,
    /// Elsewhere on the machine.
    Outside,
    /// Where a mistake costs more than work: `.git` internals, secrets, the agent's own settings.
    Protected,
}

/// One thing a call needs to be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "need", rename_all = "snake_case")]
pub enum Need {
    /// Read a file or a folder.
    Read {
        /// The path, relative to the workspace when inside it.
        path: String,
        /// Where it lies.
        place: Place,
    },
    /// Create, change or delete a file.
    Write {
        /// The path, relative to the workspace when inside it.
        path: String,
        /// Where it lies.
        place: Place,
    },
    /// Run a command.
    Execute {
        /// The command line as it will run.
        command: String,
        /// The simple commands in it (`a && b | c` has three), each judged on its own. Empty when the
        /// line could not be taken apart; such a line is never matched by an allow rule.
        parts: Vec<String>,
        /// Whether the sandbox will hold it (files, network, privileges).
        caged: bool,
    },
    /// Reach a host over the network.
    Network {
        /// Host name or address.
        host: String,
    },
}

impl Need {
    /// The simple commands of a command line, each as a need of its own. Nothing for other needs, and for a line
    /// that could not be taken apart.
    #[must_use]
    pub fn parts(&self) -> Vec<Self> {
        match self {
            Self::Execute { parts, caged, .. } => parts
                .iter()
                .map(|part| Self::Execute {
                    command: part.clone(),
                    parts: vec![part.clone()],
                    caged: *caged,
                })
                .collect(),
            Self::Read { .. } | Self::Write { .. } | Self::Network { .. } => Vec::new(),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, .. } => write!(f, "read {path}"),
            Self::Write { path, .. } => write!(f, "write {path}"),
            Self::Execute { command, .. } => write!(f, "run `{command}`"),
            Self::Network { host } => write!(f, "connect to {host}"),
        }
    }
}
