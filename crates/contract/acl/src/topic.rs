//! Topics and queue groups: who is to get what is published, as a pure routing table.
//!
//! A topic is a name of dotted words; nobody has to make it. Agents subscribe to patterns of names, with the wildcards of
//! NATS. A plain subscriber gets all that is published on topics that its patterns mean. The members of a queue group share
//! it: each publication goes to one of them, whichever waited longest.
//!
//! The table carries nothing and remembers nothing of what was published. The same calls in the same order give the same
//! receivers.
//!
//! ```
//! use bottega_acl::topic::{Subscription, Topics};
//!
//! let mut topics = Topics::default();
//! topics.subscribe(Subscription::plain("desk@hall".parse()?, "orders.>".parse()?))?;
//! for worker in ["ann@hall", "bob@hall"] {
//!     topics.subscribe(Subscription::shared(worker.parse()?, "orders.*.new".parse()?, "packers".parse()?))?;
//! }
//! let mut receivers = || {
//!     let receivers = topics.receivers(&"orders.eu.new".parse().unwrap());
//!     receivers.into_iter().map(|it| it.agent.local().to_owned()).collect::<Vec<_>>()
//! };
//! assert_eq!(receivers(), ["ann", "desk"]);
//! assert_eq!(receivers(), ["bob", "desk"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod name;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use name::{GroupName, LONGEST, MOST_WORDS, Misnamed, TopicName, TopicPattern};
use tree::Tree;

use crate::AgentName;

/// One agent's wish to be told. As JSON an object of the fields' names; another field is an error.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Who.
    pub agent: AgentName,
    /// Of which topics.
    pub pattern: TopicPattern,
    /// The queue group with which it shares them; none when it wants all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
}

impl Subscription {
    /// One to all that the pattern means.
    #[must_use]
    pub fn plain(agent: AgentName, pattern: TopicPattern) -> Self {
        Self { agent, pattern, group: None }
    }

    /// One that is shared with the other members of a queue group.
    #[must_use]
    pub fn shared(agent: AgentName, pattern: TopicPattern, group: GroupName) -> Self {
        Self { agent, pattern, group: Some(group) }
    }
}

/// One who gets what is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub agent: AgentName,
    /// For which queue groups: another member gets it in its place when it can't. None for a plain subscriber.
    pub groups: BTreeSet<GroupName>,
}

/// How many subscriptions there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionLimits {
    /// Of one agent.
    pub of_an_agent: usize,
    /// Of all together.
    pub of_all: usize,
}

/// 256 of an agent, 100,000 of all.
impl Default for SubscriptionLimits {
    fn default() -> Self {
        Self { of_an_agent: 256, of_all: 100_000 }
    }
}

/// Why a subscription was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManySubscriptions {
    /// The agent's own are too many.
    #[error("{agent} has {most} subscriptions already, the most an agent may have")]
    OfAnAgent {
        /// Who.
        agent: AgentName,
        /// [`SubscriptionLimits::of_an_agent`].
        most: usize,
    },
    /// Those of all are.
    #[error("there are {most} subscriptions already, the most there may be")]
    OfAll {
        /// [`SubscriptionLimits::of_all`].
        most: usize,
    },
}

/// What one agent subscribed to.
type Own = BTreeSet<(TopicPattern, Option<GroupName>)>;

/// Who gets what.
#[derive(Clone, Debug, Default)]
pub struct Topics {
    limits: SubscriptionLimits,
    count: usize,
    agents: BTreeMap<AgentName, Own>,
    tree: Tree,
    groups: BTreeMap<GroupName, BTreeMap<AgentName, Member>>,
    turn: u64,
}

/// One agent in one queue group, by however many patterns.
#[derive(Clone, Debug, Default)]
struct Member {
    /// The turn in which it was served last, or came in. No two agents share one.
    since: u64,
    patterns: BTreeSet<TopicPattern>,
}

impl Topics {
    /// Nobody subscribed to anything, and no more than `limits` may.
    #[must_use]
    pub fn new(limits: SubscriptionLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Whether a subscription would be new.
    ///
    /// # Errors
    /// As [`Self::subscribe`].
    pub fn admits(&self, subscription: &Subscription) -> Result<bool, TooManySubscriptions> {
        let Subscription { agent, pattern, group } = subscription;
        let own = self.agents.get(agent);
        if own.is_some_and(|own| own.contains(&(pattern.clone(), group.clone()))) {
            return Ok(false);
        }
        let most = self.limits.of_an_agent;
        if own.map_or(0, BTreeSet::len) >= most {
            return Err(TooManySubscriptions::OfAnAgent { agent: agent.clone(), most });
        }
        if self.count >= self.limits.of_all {
            return Err(TooManySubscriptions::OfAll { most: self.limits.of_all });
        }
        Ok(true)
    }

    /// Takes a subscription; whether it is new. Who comes into a queue group stands behind its other members.
    ///
    /// # Errors
    /// A new one beyond the limits; the table is as it was.
    pub fn subscribe(&mut self, subscription: Subscription) -> Result<bool, TooManySubscriptions> {
        if !self.admits(&subscription)? {
            return Ok(false);
        }
        let Subscription { agent, pattern, group } = subscription;
        let waiting = self.tree.entry(&pattern);
        match &group {
            None => {
                waiting.plain.insert(agent.clone());
            }
            Some(group) => {
                let members = self.groups.entry(group.clone()).or_default();
                let member = members.entry(agent.clone()).or_insert_with(|| {
                    self.turn += 1;
                    Member { since: self.turn, patterns: BTreeSet::new() }
                });
                member.patterns.insert(pattern.clone());
                let place = (member.since, agent.clone());
                waiting.groups.entry(group.clone()).or_default().insert(place);
            }
        }
        self.agents.entry(agent).or_default().insert((pattern, group));
        self.count += 1;
        Ok(true)
    }

    /// Takes a subscription back; whether there was one.
    pub fn unsubscribe(&mut self, subscription: &Subscription) -> bool {
        let Subscription { agent, pattern, group } = subscription;
        let Some(own) = self.agents.get_mut(agent) else { return false };
        if !own.remove(&(pattern.clone(), group.clone())) {
            return false;
        }
        if own.is_empty() {
            self.agents.remove(agent);
        }
        self.forget(agent, pattern, group.as_ref());
        true
    }

    /// Takes all subscriptions of an agent back; how many there were.
    pub fn unsubscribe_all(&mut self, agent: &AgentName) -> usize {
        let own = self.agents.remove(agent).unwrap_or_default();
        for (pattern, group) in &own {
            self.forget(agent, pattern, group.as_ref());
        }
        own.len()
    }

    /// Who gets what is published on a topic, in the order of names: every plain subscriber, and of each queue group one
    /// member. Nobody is named twice, by however many patterns and groups.
    ///
    /// A queue group counts its turns over all topics: of the members that want this one, the one that waited longest is
    /// next. So none has a second turn before each other that wanted the topic at its first one had its own.
    pub fn receivers(&mut self, topic: &TopicName) -> Vec<Recipient> {
        let mut receivers: BTreeMap<AgentName, BTreeSet<GroupName>> = BTreeMap::new();
        let mut groups: BTreeSet<GroupName> = BTreeSet::new();
        for waiting in self.tree.matching(topic) {
            receivers.extend(waiting.plain.iter().map(|agent| (agent.clone(), BTreeSet::new())));
            groups.extend(waiting.groups.keys().cloned());
        }
        for group in groups {
            if let Some(agent) = self.next_of(&group, topic, &BTreeSet::new()) {
                receivers.entry(agent).or_default().insert(group);
            }
        }
        receivers.into_iter().map(|(agent, groups)| Recipient { agent, groups }).collect()
    }

    /// The member of a queue group that is next for a topic, but for those who were tried in vain. Its turn passes.
    pub fn next_of(
        &mut self,
        group: &GroupName,
        topic: &TopicName,
        tried: &BTreeSet<AgentName>,
    ) -> Option<AgentName> {
        let untried = |waiting: &&'_ (u64, AgentName)| !tried.contains(&waiting.1);
        let members = self.tree.matching(topic).into_iter().filter_map(|it| it.groups.get(group));
        let next = members.filter_map(|members| members.iter().find(untried)).min()?;
        let agent = next.1.clone();
        self.serve(group, &agent);
        Some(agent)
    }

    /// All subscriptions, in the order of the agents' names.
    pub fn all(&self) -> impl Iterator<Item = Subscription> {
        self.agents.keys().flat_map(|agent| self.subscriptions(agent))
    }

    /// What an agent subscribed to, in the order of patterns.
    pub fn subscriptions(&self, agent: &AgentName) -> impl Iterator<Item = Subscription> {
        let own = self.agents.get_key_value(agent);
        own.into_iter().flat_map(|(agent, own)| {
            own.iter().map(|(pattern, group)| Subscription {
                agent: agent.clone(),
                pattern: pattern.clone(),
                group: group.clone(),
            })
        })
    }

    /// How many subscriptions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Moves a member behind the others, at each of its patterns.
    fn serve(&mut self, group: &GroupName, agent: &AgentName) {
        let member = self.groups.get_mut(group).and_then(|members| members.get_mut(agent));
        let Some(member) = member else { return };
        self.turn += 1;
        let before = std::mem::replace(&mut member.since, self.turn);
        for pattern in &member.patterns {
            let places = self.tree.entry(pattern).groups.entry(group.clone()).or_default();
            places.remove(&(before, agent.clone()));
            places.insert((self.turn, agent.clone()));
        }
    }

    /// Takes a subscription out of the tree and its group.
    fn forget(&mut self, agent: &AgentName, pattern: &TopicPattern, group: Option<&GroupName>) {
        self.count -= 1;
        let waiting = self.tree.entry(pattern);
        match group {
            None => {
                waiting.plain.remove(agent);
            }
            Some(group) => {
                let Some(members) = self.groups.get_mut(group) else { return };
                if let Some(member) = members.get_mut(agent) {
                    member.patterns.remove(pattern);
                    if let Some(places) = waiting.groups.get_mut(group) {
                        places.remove(&(member.since, agent.clone()));
                        if places.is_empty() {
                            waiting.groups.remove(group);
                        }
                    }
                    if member.patterns.is_empty() {
                        members.remove(agent);
                    }
                }
                if members.is_empty() {
                    self.groups.remove(group);
                }
            }
        }
        self.tree.prune(pattern);
    }

    /// Whether nothing is kept of subscriptions that were taken back.
    #[cfg(test)]
    fn keeps_nothing(&self) -> bool {
        self.count == 0 && self.agents.is_empty() && self.groups.is_empty() && self.tree.is_empty()
    }
}
