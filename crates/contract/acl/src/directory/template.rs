//! What is looked for in the directory, and the rule of matching.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bottega_types::Timestamp;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DirectoryEntry, MOST_SERVICES, ServiceDescription};
use crate::Aid;

/// What a sought service says; what is empty may be anything.
///
/// As JSON like a [`ServiceDescription`], with nothing that must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTemplate {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its kind.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Protocols of which it must have each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protocols: BTreeSet<String>,
    /// Ontologies of which it must know each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ontologies: BTreeSet<String>,
    /// Languages of which it must read each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub languages: BTreeSet<String>,
    /// Its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<String>,
    /// Properties of which it must have each. A list is matched by a list that has each of its items; any other value by an
    /// equal one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Value>,
}

/// What a sought entry says (SC00023, the matching of an object template); what is empty may be anything, so the default
/// matches every entry.
///
/// As JSON like a [`DirectoryEntry`], with nothing that must be there and at most [`MOST_SERVICES`] services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The agent: its name, and addresses, resolvers and own parameters of which it must have each, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Aid>,
    /// Services, each of which must be matched by some service of the entry; the same one may match several.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "few")]
    pub services: Vec<ServiceTemplate>,
    /// Protocols of which it must follow each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub protocols: BTreeSet<String>,
    /// Ontologies of which it must know each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ontologies: BTreeSet<String>,
    /// Languages of which it must read each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub languages: BTreeSet<String>,
    /// Until when the entry must hold at least. (By SC00023 an equal lease; nobody looks for a millisecond.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Timestamp>,
}

/// Each template service is held against each service of each entry, so their number is bounded.
fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ServiceTemplate>, D::Error> {
    let services = Vec::deserialize(deserializer)?;
    if services.len() > MOST_SERVICES {
        let problem =
            format!("{} services are too many; look for {MOST_SERVICES} at most", services.len());
        return Err(D::Error::custom(problem));
    }
    Ok(services)
}

impl ServiceTemplate {
    /// One that asks for a kind of service and nothing else.
    #[must_use]
    pub fn of_kind(kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..Self::default() }
    }

    /// Whether a service says all that this one does.
    #[must_use]
    pub fn matches(&self, service: &ServiceDescription) -> bool {
        let Self { name, kind, protocols, ontologies, languages, ownership, properties } = self;
        name.as_ref().is_none_or(|name| *name == service.name)
            && kind.as_ref().is_none_or(|kind| *kind == service.kind)
            && ownership.as_ref().is_none_or(|owner| Some(owner) == service.ownership.as_ref())
            && protocols.is_subset(&service.protocols)
            && ontologies.is_subset(&service.ontologies)
            && languages.is_subset(&service.languages)
            && properties.iter().all(|(name, sought)| {
                service.properties.get(name).is_some_and(|value| is_matched(sought, value))
            })
    }
}

impl Template {
    /// Whether an entry says all that this one does.
    #[must_use]
    pub fn matches(&self, entry: &DirectoryEntry) -> bool {
        let Self { agent, services, protocols, ontologies, languages, lease } = self;
        let lasts = |sought: Timestamp| entry.lease.is_none_or(|lease| sought <= lease);
        agent.as_ref().is_none_or(|sought| is_agent(sought, &entry.agent))
            && lease.is_none_or(lasts)
            && protocols.is_subset(&entry.protocols)
            && ontologies.is_subset(&entry.ontologies)
            && languages.is_subset(&entry.languages)
            && services
                .iter()
                .all(|sought| entry.services.iter().any(|service| sought.matches(service)))
    }
}

fn is_matched(sought: &Value, value: &Value) -> bool {
    match (sought, value) {
        (Value::Array(sought), Value::Array(items)) => {
            let items: HashSet<&Value> = items.iter().collect();
            sought.iter().all(|item| items.contains(item))
        }
        _ => sought == value,
    }
}

fn is_agent(sought: &Aid, agent: &Aid) -> bool {
    sought.is_same_agent(agent)
        && in_order(sought.addresses(), agent.addresses(), |one, other| one == other)
        && in_order(sought.resolvers(), agent.resolvers(), Aid::is_same_agent)
        && sought.user().iter().all(|(name, value)| {
            agent.user().iter().any(|(own, held)| own.is(name.as_str()) && held == value)
        })
}

/// Whether each of `sought` is matched by one of `items`, in this order.
fn in_order<T>(sought: &[T], items: &[T], matches: impl Fn(&T, &T) -> bool) -> bool {
    let mut items = items.iter();
    sought.iter().all(|one| items.any(|item| matches(one, item)))
}
