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
            Self::Execute { command, caged: false, .. } => {
                let reached = reached(command);
                reached.uncertain
                    || reached.commands.iter().any(|command| sends(&command.spellings()[2]))
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

/// Programs that are there to fetch something, beside those that send; after some of them, the word that says so.
const FETCHERS: [(&str, &str); 6] = [
    ("git", "clone"),
    ("git", "fetch"),
    ("git", "pull"),
    ("git", "ls-remote"),
    ("lynx", ""),
    ("w3m", ""),
];

/// The hosts from which a command line plainly fetches: those of the addresses that its fetching commands name, `the
/// network` where they name none. Outside the sandbox any program may fetch; this knows those that are there for it.
#[must_use]
pub fn fetched_hosts(line: &str) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for command in reached(line).commands {
        let [_, words, bare] = &command.spellings();
        let Some((program, arguments)) = words.split_first() else { continue };
        let fetches = |(name, verb): &(&str, &str)| {
            name == program && (verb.is_empty() || bare.get(1) == Some(verb))
        };
        if !sends(bare) && !FETCHERS.iter().any(fetches) {
            continue;
        }
        let named: Vec<String> = arguments.iter().filter_map(|word| host_of(word)).collect();
        match named.as_slice() {
            [] => hosts.push("the network".to_owned()),
            named => hosts.extend_from_slice(named),
        }
    }
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The host that an address names, without its user and its port.
fn host_of(word: &str) -> Option<String> {
    let (_, rest) = word.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// Whether a command is there to send something. Without the options in front of what its program is to do.
fn sends(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    // Both copy on this machine, too.
    let remote = arguments.iter().any(|word| word.contains(':'));
    if matches!(*program, "rsync" | "scp") && !remote {
        return false;
    }
    let sends = |(sender, verb): &(&str, &str)| {
        sender == program && (verb.is_empty() || arguments.first() == Some(verb))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        assert_eq!(fetched_hosts(line), expected, "{line}");
    }

    #[test]
    fn what_plainly_fetches_is_known_with_its_hosts() {
        check("curl -s https://u:p@Example.org:8443/a?b | head", &["example.org"]);
        check("wget http://a/x http://b/y && git pull", &["a", "b", "the network"]);
        check("env X=1 bash -c 'curl http://[::1]:80/'", &["[::1]"]);
        check("git status; cargo build; echo http://a", &[]);
        check("git stash push; npm run publish; rsync -a a/ b/", &[]);
        check("rsync -a me@host:a b", &["the network"]);
        check("git -C a push", &["the network"]);
    }
}
