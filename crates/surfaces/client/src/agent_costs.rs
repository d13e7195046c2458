//! What agents have cost since the server began.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bottega_types::Money;

/// What each agent has cost since the server began, by its whole name, as far as prices are known.
#[derive(Debug, Default)]
pub struct AgentCosts(Mutex<BTreeMap<String, Money>>);

impl AgentCosts {
    /// An agent has cost so much more. What costs nothing is known to cost that: whoever does not know a price says nothing.
    pub fn add(&self, agent: &str, cost: Money) {
        let mut costs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match costs.get_mut(agent) {
            Some(before) => *before += cost,
            None => {
                costs.insert(agent.to_owned(), cost);
            }
        }
    }

    /// What each agent has cost.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Money> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
