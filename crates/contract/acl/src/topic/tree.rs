//! Patterns as a tree of words, so that a topic finds those that mean it without a look at the others.

use std::collections::{BTreeMap, BTreeSet};

use super::{GroupName, TopicName, TopicPattern};
use crate::AgentName;

/// Who waits at one pattern.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// Plain subscribers.
    pub(super) plain: BTreeSet<AgentName>,
    /// Members of queue groups, who was served longest ago first.
    pub(super) groups: BTreeMap<GroupName, BTreeSet<(u64, AgentName)>>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.groups.is_empty()
    }
}

/// One word of a pattern, after those that lead to it. At most as deep as a pattern has words.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    here: Waiting,
    // `*` and `>` are words among the others here: no topic holds them.
    next: BTreeMap<Box<str>, Self>,
}

impl Tree {
    /// The place of a pattern, made when there is none.
    pub(super) fn entry(&mut self, pattern: &TopicPattern) -> &mut Waiting {
        let mut node = self;
        for word in pattern.words() {
            node = node.next.entry(word.into()).or_default();
        }
        &mut node.here
    }

    /// Forgets the place of a pattern at which nobody waits.
    pub(super) fn prune(&mut self, pattern: &TopicPattern) {
        self.prune_below(&mut pattern.words());
    }

    fn prune_below<'a>(&mut self, words: &mut impl Iterator<Item = &'a str>) {
        let Some(word) = words.next() else { return };
        if let Some(node) = self.next.get_mut(word) {
            node.prune_below(words);
            if node.is_empty() {
                self.next.remove(word);
            }
        }
    }

    /// Everybody who waits at a pattern that means the topic.
    pub(super) fn matching(&self, topic: &TopicName) -> Vec<&Waiting> {
        let mut found = Vec::new();
        let mut nodes = vec![self];
        for word in topic.words() {
            // Nodes are reached by one path each, so there are never more of them than patterns.
            let mut reached = Vec::new();
            for node in nodes {
                found.extend(node.next.get(">").map(|rest| &rest.here));
                reached.extend(node.next.get(word));
                reached.extend(node.next.get("*"));
            }
            nodes = reached;
        }
        found.extend(nodes.into_iter().map(|node| &node.here));
        found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty() && self.next.is_empty()
    }
}
