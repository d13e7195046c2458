//! What an agent says of itself in the directory.

use std::collections::{BTreeMap, BTreeSet};

use bottega_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Aid;

/// One service that an agent offers (SC00023, service-description).
///
/// As JSON an object of the fields' names, `kind` as `type`; what is empty is left out, and another field is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceDescription {
    /// Its name, which tells this service from others of its kind.
    pub name: String,
    /// What kind of service it is, such as `translation`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Interaction protocols by which it can be had.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protocols: BTreeSet<String>,
    /// Ontologies that it knows.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ontologies: BTreeSet<String>,
    /// Content languages that it reads.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub languages: BTreeSet<String>,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<String>,
    /// What else tells it from others, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Value>,
}

impl ServiceDescription {
    /// One that says nothing but its name and kind.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            protocols: BTreeSet::new(),
            ontologies: BTreeSet::new(),
            languages: BTreeSet::new(),
            ownership: None,
            properties: BTreeMap::new(),
        }
    }
}

/// What the directory knows of one agent (SC00023, df-agent-description).
///
/// As JSON an object of the fields' names, the agent in the form that it has in a message; what is empty is left out, and
/// another field is an error. Any entry can be written down; which ones a directory takes, its
/// [`register`](super::Directory::register) says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryEntry {
    /// The agent. There is one entry for each name.
    pub agent: Aid,
    /// What it offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceDescription>,
    /// Interaction protocols that it follows.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protocols: BTreeSet<String>,
    /// Ontologies that it knows.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ontologies: BTreeSet<String>,
    /// Content languages that it reads.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub languages: BTreeSet<String>,
    /// From when on the entry holds no more; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Timestamp>,
}

impl DirectoryEntry {
    /// One that says nothing but who it is, for ever.
    #[must_use]
    pub fn new(agent: Aid) -> Self {
        Self {
            agent,
            services: vec![],
            protocols: BTreeSet::new(),
            ontologies: BTreeSet::new(),
            languages: BTreeSet::new(),
            lease: None,
        }
    }

    /// Whether its lease still holds.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.lease.is_none_or(|lease| now < lease)
    }
}
