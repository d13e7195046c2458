//! The directory facilitator (SC00023): who offers which services, as data and a pure machine.
//!
//! Agents [`register`](Directory::register) a [`DirectoryEntry`] of themselves; others [`search`](Directory::search) by a
//! [`Template`], which an entry matches when it says all that the template does. An entry holds until its lease is over.
//!
//! Deciding and changing are apart: `register`, `modify` and `deregister` look at the directory and give a
//! [`DirectoryChange`] or a [`DirectoryRefusal`]; [`evolve`](Directory::evolve) folds a change in, when it happens and when
//! it is replayed. Between a decision and its folding nothing else may be folded.
//!
//! ```
//! use bottega_acl::directory::{Directory, DirectoryEntry, SearchConstraints, ServiceDescription, ServiceTemplate, Template};
//! use bottega_types::Timestamp;
//!
//! let now = Timestamp::from_millis(0);
//! let mut directory = Directory::default();
//! let mut smith = DirectoryEntry::new("smith@hall".parse()?);
//! smith.services.push(ServiceDescription::new("hinges", "forging"));
//! let change = directory.register(smith, now)?;
//! directory.evolve(&change);
//!
//! let forgers = Template { services: vec![ServiceTemplate::of_kind("forging")], ..Template::default() };
//! let found = directory.search(&forgers, SearchConstraints::default(), now);
//! assert_eq!(found[0].agent.to_string(), "smith@hall");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod entry;
mod template;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bottega_types::Timestamp;
use serde::{Deserialize, Serialize};

pub use entry::{DirectoryEntry, ServiceDescription};
pub use template::{ServiceTemplate, Template};

use crate::AgentName;

/// The most services that an entry, or a template, may have.
pub const MOST_SERVICES: usize = 64;

/// The most bytes that an entry may have as JSON.
pub const LARGEST_ENTRY: usize = 64 * 1024;

/// The most entries that a directory holds, those whose lease is over and that were not removed yet included.
pub const MOST_ENTRIES: usize = 100_000;

/// What happened to a directory. Stored; its JSON form is a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryChange {
    /// An agent registered.
    Registered(DirectoryEntry),
    /// A registered agent says something else of itself.
    Modified(DirectoryEntry),
    /// An agent is listed no more: it said so, or its lease is over.
    Deregistered(AgentName),
}

/// Why a directory stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryRefusal {
    /// Changing what it says is another act.
    #[error("{agent} is registered already; modify or deregister it")]
    AlreadyRegistered {
        /// Who.
        agent: AgentName,
    },
    /// It never was, it deregistered, or its lease is over.
    #[error("{agent} is not registered")]
    NotRegistered {
        /// Who.
        agent: AgentName,
    },
    /// The entry would never be found.
    #[error("the lease of {agent} is over since {lease}; it is {now}")]
    LeaseIsOver {
        /// Who.
        agent: AgentName,
        /// When the lease ends.
        lease: Timestamp,
        /// When the directory was asked.
        now: Timestamp,
    },
    /// More than [`MOST_SERVICES`].
    #[error("{services} services are too many for {agent}; an entry has {MOST_SERVICES} at most")]
    TooManyServices {
        /// Who.
        agent: AgentName,
        /// How many.
        services: usize,
    },
    /// More than [`LARGEST_ENTRY`].
    #[error(
        "{bytes} bytes are too many for {agent}; an entry has {LARGEST_ENTRY} at most, as JSON"
    )]
    TooLarge {
        /// Who.
        agent: AgentName,
        /// How many.
        bytes: usize,
    },
    /// [`MOST_ENTRIES`] are there.
    #[error("the directory is full: it holds {MOST_ENTRIES} entries")]
    Full,
}

impl DirectoryRefusal {
    /// The word that SC00023 has for it among its exceptions.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyRegistered { .. } => "already-registered",
            Self::NotRegistered { .. } => "not-registered",
            Self::LeaseIsOver { .. } | Self::TooManyServices { .. } | Self::TooLarge { .. } => {
                "unrecognised-parameter-value"
            }
            Self::Full => "internal-error",
        }
    }
}

/// How much a search shall bring (SC00023, search-constraints). Whoever searches several directories counts the depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SearchConstraints {
    /// The most entries; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_results: Option<usize>,
}

/// All entries, found by name, by the kinds and names of their services, and by the ends of their leases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    entries: BTreeMap<AgentName, DirectoryEntry>,
    by_kind: Index,
    by_service: Index,
    leases: BTreeSet<(Timestamp, AgentName)>,
}

impl Directory {
    /// Decides on an agent that wants to be listed. An entry whose lease is over is as good as none.
    ///
    /// # Errors
    /// Who is listed already, an entry whose lease is over or that exceeds its bounds, and anybody once it is full.
    pub fn register(
        &self,
        entry: DirectoryEntry,
        now: Timestamp,
    ) -> Result<DirectoryChange, DirectoryRefusal> {
        let agent = entry.agent.name();
        if self.get(agent, now).is_some() {
            return Err(DirectoryRefusal::AlreadyRegistered { agent: agent.clone() });
        }
        if self.entries.len() >= MOST_ENTRIES && !self.entries.contains_key(agent) {
            return Err(DirectoryRefusal::Full);
        }
        check(&entry, now)?;
        Ok(DirectoryChange::Registered(entry))
    }

    /// Decides on an agent that wants to say something else of itself: the whole entry is replaced, its lease too.
    ///
    /// # Errors
    /// Who is not listed, and an entry whose lease is over or that exceeds its bounds.
    pub fn modify(
        &self,
        entry: DirectoryEntry,
        now: Timestamp,
    ) -> Result<DirectoryChange, DirectoryRefusal> {
        self.registered(entry.agent.name(), now)?;
        check(&entry, now)?;
        Ok(DirectoryChange::Modified(entry))
    }

    /// Decides on an agent that wants to be listed no more.
    ///
    /// # Errors
    /// Who is not listed.
    pub fn deregister(
        &self,
        agent: &AgentName,
        now: Timestamp,
    ) -> Result<DirectoryChange, DirectoryRefusal> {
        self.registered(agent, now)?;
        Ok(DirectoryChange::Deregistered(agent.clone()))
    }

    /// Whose leases are over, in the order in which they ended. The directory stays as it is until each of them is folded
    /// in as [`DirectoryChange::Deregistered`].
    #[must_use]
    pub fn expire(&self, now: Timestamp) -> Vec<AgentName> {
        let over = self.leases.iter().take_while(|(lease, _)| *lease <= now);
        over.map(|(_, agent)| agent.clone()).collect()
    }

    /// Folds a change in.
    pub fn evolve(&mut self, change: &DirectoryChange) {
        match change {
            DirectoryChange::Registered(entry) | DirectoryChange::Modified(entry) => {
                self.remove(entry.agent.name());
                self.insert(entry.clone());
            }
            DirectoryChange::Deregistered(agent) => self.remove(agent),
        }
    }

    /// The entries that match, in the order of the agents' names. One whose lease is over is never among them.
    ///
    /// Looks only at entries with the rarest service kind or name that the template asks for; when it asks for none, at
    /// all.
    #[must_use]
    pub fn search(
        &self,
        template: &Template,
        constraints: SearchConstraints,
        now: Timestamp,
    ) -> Vec<&DirectoryEntry> {
        let most = constraints.max_results.unwrap_or(usize::MAX);
        let fits = |entry: &&DirectoryEntry| entry.holds(now) && template.matches(entry);
        if let Some(agent) = &template.agent {
            return self.entries.get(agent.name()).into_iter().filter(fits).take(most).collect();
        }
        match self.candidates(template) {
            Candidates::All => self.entries.values().filter(fits).take(most).collect(),
            Candidates::Few(few) => {
                few.iter().map(|agent| &self.entries[agent]).filter(fits).take(most).collect()
            }
            Candidates::None => vec![],
        }
    }

    /// What is known of one agent, while its lease holds.
    #[must_use]
    pub fn get(&self, agent: &AgentName, now: Timestamp) -> Option<&DirectoryEntry> {
        self.entries.get(agent).filter(|entry| entry.holds(now))
    }

    /// How many entries there are, those whose lease is over included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn registered(&self, agent: &AgentName, now: Timestamp) -> Result<(), DirectoryRefusal> {
        match self.get(agent, now) {
            Some(_) => Ok(()),
            None => Err(DirectoryRefusal::NotRegistered { agent: agent.clone() }),
        }
    }

    /// Those among whom the entries that match are: the smallest set that an index knows.
    fn candidates(&self, template: &Template) -> Candidates<'_> {
        let kinds = template.services.iter().filter_map(|sought| sought.kind.as_ref());
        let names = template.services.iter().filter_map(|sought| sought.name.as_ref());
        let sets = kinds
            .map(|kind| self.by_kind.0.get(kind))
            .chain(names.map(|name| self.by_service.0.get(name)));
        // A word that the index doesn't know is the smallest set of all.
        match sets.min_by_key(|set| set.map_or(0, BTreeSet::len)) {
            None => Candidates::All,
            Some(None) => Candidates::None,
            Some(Some(few)) => Candidates::Few(few),
        }
    }

    fn insert(&mut self, entry: DirectoryEntry) {
        let agent = entry.agent.name();
        for service in &entry.services {
            self.by_kind.add(&service.kind, agent);
            self.by_service.add(&service.name, agent);
        }
        if let Some(lease) = entry.lease {
            self.leases.insert((lease, agent.clone()));
        }
        self.entries.insert(agent.clone(), entry);
    }

    fn remove(&mut self, agent: &AgentName) {
        let Some(entry) = self.entries.remove(agent) else { return };
        for service in &entry.services {
            self.by_kind.take(&service.kind, agent);
            self.by_service.take(&service.name, agent);
        }
        if let Some(lease) = entry.lease {
            self.leases.remove(&(lease, agent.clone()));
        }
    }
}

enum Candidates<'a> {
    All,
    Few(&'a BTreeSet<AgentName>),
    None,
}

/// Who has a service of this kind, or of this name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Index(BTreeMap<String, BTreeSet<AgentName>>);

impl Index {
    fn add(&mut self, word: &str, agent: &AgentName) {
        self.0.entry(word.to_owned()).or_default().insert(agent.clone());
    }

    fn take(&mut self, word: &str, agent: &AgentName) {
        if let Some(agents) = self.0.get_mut(word) {
            agents.remove(agent);
            if agents.is_empty() {
                self.0.remove(word);
            }
        }
    }
}

fn check(entry: &DirectoryEntry, now: Timestamp) -> Result<(), DirectoryRefusal> {
    let agent = || entry.agent.name().clone();
    if let Some(lease) = entry.lease.filter(|lease| *lease <= now) {
        return Err(DirectoryRefusal::LeaseIsOver { agent: agent(), lease, now });
    }
    let services = entry.services.len();
    if services > MOST_SERVICES {
        return Err(DirectoryRefusal::TooManyServices { agent: agent(), services });
    }
    // What can't be written down can't be stored either.
    let bytes = serde_json::to_vec(entry).map_or(usize::MAX, |json| json.len());
    if bytes > LARGEST_ENTRY {
        return Err(DirectoryRefusal::TooLarge { agent: agent(), bytes });
    }
    Ok(())
}
