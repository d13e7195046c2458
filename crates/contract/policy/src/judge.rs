//! The one decision about every tool call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::{Command, base_name, reached};
use crate::path_pattern::{PathPattern, matches};
use crate::{AccessMode, Grant, Need, Origin, Place};

/// A call that waits for a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The tool.
    pub tool: String,
    /// What it needs.
    pub needs: Vec<Need>,
    /// Where what the agent knows came from, as far as nobody vouches for it.
    pub carries: Vec<Origin>,
}

/// What is done with a call that may carry untrusted text to a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outflow {
    /// Ask a person, in every mode.
    #[default]
    Ask,
    /// Never.
    Deny,
    /// As the mode says.
    Allow,
}

/// One rule of the settings: a pattern that needs are held against.
///
/// Written `read:GLOB`, `write:GLOB`, `run:PREFIX` or `net:HOST`. In a glob `*` stays within one folder
/// and `**` does not; a command prefix matches whole words (`run:git status` covers `git status -s`, not
/// `git statusx`); a host `*.example.org` covers its subdomains. A rule that holds back is read more widely than one
/// that opens, see [`concerns`](Self::concerns).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Rule(pub String);

/// The rules of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Never, whatever the mode and whoever says yes.
    pub deny: Vec<Rule>,
    /// Always ask, even where the mode would allow.
    pub ask: Vec<Rule>,
    /// Without asking, even where the mode would ask.
    pub allow: Vec<Rule>,
    /// Origins that are vouched for: `read:GLOB`, `net:HOST` or `run:PREFIX`.
    pub trust: Vec<Rule>,
    /// What is done with a call that may carry untrusted text to a sink.
    pub outflow: Outflow,
}

/// What is to be done with a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Run it.
    Allow,
    /// Ask a person first.
    Ask {
        /// Why.
        why: String,
    },
    /// Don't run it.
    Deny {
        /// Why; the model reads it.
        why: String,
    },
}

impl Rule {
    /// Whether this rule speaks of `need`. For a command: of the whole line or of any of its parts.
    #[must_use]
    pub fn touches(&self, need: &Need) -> bool {
        let Some((kind, pattern)) = self.0.split_once(':') else { return false };
        match (kind, need) {
            ("read", Need::Read { path, .. }) | ("write", Need::Write { path, .. }) => {
                matches(pattern, path)
            }
            ("run", Need::Execute { command, parts, .. }) => {
                word_prefix(pattern, command) || parts.iter().any(|part| word_prefix(pattern, part))
            }
            ("net", Need::Network { host }) => host_matches(pattern, host),
            _ => false,
        }
    }

    /// Whether this rule speaks of anything that `need` opens: like [`touches`](Self::touches), and of a host at every
    /// port, and of one among many; of all that is in a folder; of a command by its program's name alone, and behind
    /// programs that run others (`env`, `sudo`, `bash -c`, `find -exec`, …). What holds back is read so, what opens is
    /// not.
    #[must_use]
    pub fn concerns(&self, need: &Need) -> bool {
        match (self.0.split_once(':'), need) {
            (Some(("net", pattern)), Need::Network { host }) => {
                may_be_one_host(pattern.trim(), host)
            }
            (Some(("read", pattern)), Need::Read { path, .. })
            | (Some(("write", pattern)), Need::Write { path, .. }) => {
                PathPattern::new(pattern).holds(path)
            }
            (Some(("run", pattern)), Need::Execute { command, .. }) => {
                self.touches(need) || runs(pattern, command)
            }
            _ => self.touches(need),
        }
    }

    /// What it says about reading files, if it does.
    #[must_use]
    pub fn reading(&self) -> Option<PathPattern> {
        self.0.strip_prefix("read:").map(PathPattern::new)
    }

    /// What it says about changing files, if it does.
    #[must_use]
    pub fn writing(&self) -> Option<PathPattern> {
        self.0.strip_prefix("write:").map(PathPattern::new)
    }

    fn is_about_commands(&self) -> bool {
        self.0.starts_with("run:")
    }

    /// The program that a rule about commands names.
    fn program(&self) -> Option<&str> {
        self.0.strip_prefix("run:")?.split_whitespace().next().map(base_name)
    }

    /// Whether the text has the form of a rule; the settings refuse what has not.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        matches!(self.0.split_once(':'), Some(("read" | "write" | "run" | "net", p)) if !p.trim().is_empty())
    }
}

/// Decides about one call. Pure: the same words always get the same verdict.
///
/// A sink for what came from untrusted origins is judged besides, see [`Outflow`].
///
/// Order: deny rules; protected places (a person in every mode); read-only mode; ask rules; allow rules
/// and grants; then what the mode allows by itself. A call is as risky as its riskiest need.
#[must_use]
pub fn judge(mode: AccessMode, rules: &Rules, grants: &[Grant], request: &Request) -> Verdict {
    request
        .needs
        .iter()
        .map(|need| {
            let verdict = judge_need(mode, rules, grants, need);
            let outflow = judge_outflow(rules, grants, need, &request.carries);
            if severity(&outflow) > severity(&verdict) { outflow } else { verdict }
        })
        .max_by_key(severity)
        .unwrap_or(Verdict::Allow)
}

/// Whether the need may let out what came from elsewhere. Only a person's grant of exactly this opens it: modes and
/// allow rules were set before anybody knew what would be read.
fn judge_outflow(rules: &Rules, grants: &[Grant], need: &Need, carries: &[Origin]) -> Verdict {
    let Some(first) = carries.first() else { return Verdict::Allow };
    if !need.is_sink() || is_granted(grants, need) {
        return Verdict::Allow;
    }
    let more = match carries.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let why = format!("to {need} may carry away what was read from {first}{more}");
    match rules.outflow {
        Outflow::Allow => Verdict::Allow,
        Outflow::Ask => Verdict::Ask { why },
        Outflow::Deny => Verdict::Deny { why: format!("{why}, which the settings forbid") },
    }
}

const fn severity(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Allow => 0,
        Verdict::Ask { .. } => 1,
        Verdict::Deny { .. } => 2,
    }
}

fn judge_need(mode: AccessMode, rules: &Rules, grants: &[Grant], need: &Need) -> Verdict {
    if let Some(rule) = rules.deny.iter().find(|rule| rule.concerns(need)) {
        return Verdict::Deny {
            why: format!("the settings forbid to {need} (deny rule `{}`)", rule.0),
        };
    }
    let granted = is_granted(grants, need);
    let place = match need {
        Need::Read { place, .. } | Need::Write { place, .. } => Some(*place),
        Need::Execute { .. } | Need::Network { .. } => None,
    };
    let changes = !matches!(need, Need::Read { .. });
    if mode == AccessMode::ReadOnly && changes {
        return Verdict::Deny { why: format!("access mode read-only does not allow to {need}") };
    }
    if place == Some(Place::Protected) {
        return if granted {
            Verdict::Allow
        } else {
            Verdict::Ask { why: format!("to {need} touches a protected place") }
        };
    }
    if granted {
        return Verdict::Allow;
    }
    // A line that can't be taken apart may hide what a rule forbids, so a person has to look at it.
    if let Need::Execute { command, .. } = need
        && rules.deny.iter().chain(&rules.ask).any(Rule::is_about_commands)
        && may_hide(command, rules)
    {
        return Verdict::Ask {
            why: format!("to {need} can't be held against the rules about commands"),
        };
    }
    if let Some(rule) = rules.ask.iter().find(|rule| rule.concerns(need)) {
        return Verdict::Ask {
            why: format!("the settings want to be asked (ask rule `{}`)", rule.0),
        };
    }
    if allowed_by_rules(rules, grants, need) {
        return Verdict::Allow;
    }
    by_mode(mode, need)
}

/// Whether a person allowed it: a compound command whole, or each of its parts.
fn is_granted(grants: &[Grant], need: &Need) -> bool {
    let granted = |need: &Need| grants.iter().any(|grant| grant.covers(need));
    granted(need) || need.granted().iter().all(granted)
}

/// A compound command is allowed when each of its parts is.
fn allowed_by_rules(rules: &Rules, grants: &[Grant], need: &Need) -> bool {
    let by_rule = |need: &Need| rules.allow.iter().any(|rule| rule.touches(need));
    if !matches!(need, Need::Execute { .. }) {
        return by_rule(need);
    }
    let covered = |part: &Need| by_rule(part) || grants.iter().any(|grant| grant.covers(part));
    let parts = need.written_parts();
    !parts.is_empty() && parts.iter().all(covered)
}

fn by_mode(mode: AccessMode, need: &Need) -> Verdict {
    let ask = |why: &str| Verdict::Ask { why: format!("to {need} {why}") };
    match (mode, need) {
        (
            AccessMode::ReadOnly | AccessMode::Ask | AccessMode::Auto,
            Need::Read { place: Place::Inside, .. },
        )
        | (AccessMode::Auto, Need::Write { place: Place::Inside, .. })
        | (AccessMode::Auto, Need::Execute { caged: true, .. })
        | (AccessMode::Full, _) => Verdict::Allow,
        (AccessMode::ReadOnly, _) => {
            Verdict::Deny { why: format!("access mode read-only does not allow to {need}") }
        }
        (_, Need::Read { .. } | Need::Write { place: Place::Outside | Place::Protected, .. }) => {
            ask("leaves the workspace")
        }
        (AccessMode::Ask, Need::Write { .. } | Need::Execute { .. }) => {
            ask("needs your word in access mode ask")
        }
        (AccessMode::Auto, Need::Execute { .. }) => ask("would run outside the sandbox"),
        (AccessMode::Ask | AccessMode::Auto, Need::Network { .. }) => ask("reaches the network"),
    }
}

fn word_prefix(prefix: &str, command: &str) -> bool {
    let mut words = command.split_whitespace();
    prefix.split_whitespace().all(|word| words.next() == Some(word))
}

/// Whether a line comes to run what a pattern says, wherever its program lies and whatever runs it.
fn runs(pattern: &str, line: &str) -> bool {
    let mut wanted: Vec<&str> = pattern.split_whitespace().collect();
    if let Some(program) = wanted.first_mut() {
        *program = base_name(program);
    }
    // A word of the command may be several: rules know no quotes.
    let begins = |words: &[&str]| {
        let mut words = words.iter().flat_map(|word| word.split_whitespace());
        wanted.iter().all(|wanted| words.next() == Some(wanted))
    };
    let named = |command: &Command| command.spellings().iter().any(|words| begins(words));
    !wanted.is_empty() && reached(line).commands.iter().any(named)
}

/// Whether a line may run what a rule that holds back is about, without its being known: a command is known only when
/// the line runs, or a program in another language, which can run anything, has the name of the rule's in it.
fn may_hide(line: &str, rules: &Rules) -> bool {
    let reached = reached(line);
    let named = |code: &str| {
        let mut words = code.split(|char: char| !(char.is_alphanumeric() || "-_.".contains(char)));
        let programs = rules.deny.iter().chain(&rules.ask).filter_map(Rule::program);
        let programs: Vec<&str> = programs.collect();
        words.any(|word| programs.contains(&word))
    };
    reached.uncertain || reached.commands.iter().flat_map(Command::code).any(named)
}

/// Whether a pattern of rules names a host.
pub(crate) fn host_matches(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix("*.") {
        Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        None => pattern == "*" || pattern == host,
    }
}

/// Whether a rule about hosts speaks of any host that `asked` opens. A rule without a port is about every port; what is
/// asked for without one is the usual ports.
fn may_be_one_host(rule: &str, asked: &str) -> bool {
    let split = |text: &str| -> (String, Option<String>) {
        match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host.to_owned(), Some(port.to_owned()))
            }
            Some(_) | None => (text.to_owned(), None),
        }
    };
    let ((rule, port), (asked, asked_port)) = (split(rule), split(asked));
    let ports = match (&port, &asked_port) {
        (None, _) => true,
        (Some(port), None) => ["80", "443"].contains(&port.as_str()),
        (Some(port), Some(asked)) => port == asked,
    };
    ports && (host_matches(&rule, &asked) || host_matches(&asked, &rule))
}

#[cfg(test)]
mod tests;
