//! What a call needs to be allowed to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command::is_assignment;

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

    /// The [parts](Self::parts) as they were written: without the forms that only rules that hold back see, in which the
    /// assignments in front are left out.
    #[must_use]
    pub fn written_parts(&self) -> Vec<Self> {
        let mut before = String::new();
        let mut kept = Vec::new();
        for part in self.parts() {
            let Self::Execute { command, .. } = &part else { continue };
            let bare = is_assignment(before.split(' ').next().unwrap_or_default())
                && before.ends_with(&format!(" {command}"));
            before.clone_from(command);
            if !bare {
                kept.push(part);
            }
        }
        kept
    }

    /// What a yes for longer than this call covers: the need itself, or each part of a command line that was taken
    /// apart. A line in which one part changes what the others mean (`cd build && rm -rf *`) is one whole.
    #[must_use]
    pub fn granted(&self) -> Vec<Self> {
        let parts = self.written_parts();
        let changes = |part: &Self| match part {
            Self::Execute { command, .. } => changes_the_rest(command),
            Self::Read { .. } | Self::Write { .. } | Self::Network { .. } => false,
        };
        if parts.is_empty() || parts.iter().any(changes) {
            return vec![self.clone()];
        }
        let mut each: Vec<Self> = Vec::new();
        for part in parts {
            if !each.contains(&part) {
                each.push(part);
            }
        }
        each
    }
}

/// Commands after which the same words do something else.
const CHANGERS: &[&str] = &[
    ".", "alias", "cd", "chdir", "declare", "enable", "eval", "exec", "export", "hash", "popd",
    "pushd", "read", "set", "shopt", "source", "typeset", "ulimit", "umask", "unalias", "unset",
];

fn changes_the_rest(part: &str) -> bool {
    let program = part.split(' ').find(|word| !is_assignment(word)).unwrap_or_default();
    CHANGERS.contains(&program)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simple_commands;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let parts = simple_commands(line).unwrap_or_default();
        let need = Need::Execute { command: line.to_owned(), parts, caged: true };
        let granted: Vec<String> = need.granted().iter().map(ToString::to_string).collect();
        let expected: Vec<String> = expected.iter().map(|part| format!("run `{part}`")).collect();
        assert_eq!(granted, expected, "{line}");
    }

    #[test]
    fn a_longer_yes_covers_what_was_asked_about_and_no_more() {
        check("cargo test", &["cargo test"]);
        check("cargo build && cargo test", &["cargo build", "cargo test"]);
        check("DRY_RUN=1 sh deploy.sh", &["DRY_RUN=1 sh deploy.sh"]);
        check("A=1 make; make", &["A=1 make", "make"]);
        check("make; make; ls", &["make", "ls"]);
        check("bash < ok.sh", &["bash <ok.sh"]);
        check("cd build && rm -rf *", &["cd build && rm -rf *"]);
        check("PATH=x export A; make", &["PATH=x export A; make"]);
        check("echo $(date)", &["echo $(date)"]);
    }
}
