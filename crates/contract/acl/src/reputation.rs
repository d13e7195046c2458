//! What agents are worth, learned from what became of their bids.

use std::collections::BTreeMap;
use std::time::Duration;

use bottega_types::Money;
use serde::{Deserialize, Serialize};

use crate::AgentName;
use crate::contract_net::{Bid, Confidence};

/// What became of one award.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Who was awarded.
    pub agent: AgentName,
    /// The skill that the task took.
    pub skill: String,
    /// What was promised.
    pub bid: Bid,
    /// What came of it.
    pub result: Kept,
}

/// How a promise was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kept", rename_all = "kebab-case")]
pub enum Kept {
    /// With a result.
    Done {
        /// What it cost, where that is known.
        spent: Option<Money>,
        /// How long it took.
        took: Duration,
    },
    /// The agent said that it failed.
    Failed,
    /// Nothing was heard until its time was over, or it could not be reached.
    Silent,
}

/// What agents are worth, per agent and skill: a fold over [`Outcome`]s, in any order the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reputation(BTreeMap<(AgentName, String), TrackRecord>);

/// The outcomes of one agent for one skill, summed up. Stored; its JSON form is a promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRecord {
    done: u32,
    failed: u32,
    /// The sum of real to promised price, in thousandths, and of how many.
    prices: (u64, u32),
    /// The same of time.
    times: (u64, u32),
}

/// What is known of one agent for one skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Awards that ended with a result.
    pub done: u32,
    /// Awards that did not.
    pub failed: u32,
    /// What it really costs per thousand promised; 1000 of somebody unknown.
    pub price_permille: u32,
    /// How long it really takes per thousand promised; 1000 of somebody unknown.
    pub time_permille: u32,
}

impl Default for Standing {
    fn default() -> Self {
        Self { done: 0, failed: 0, price_permille: 1000, time_permille: 1000 }
    }
}

/// How many awards an agent's own confidence counts for.
const WORD: u64 = 2;

impl Standing {
    /// The share of successes to be expected by the record alone, in thousandths: Laplace's rule of succession, the mean of
    /// a Beta distribution that began uniform. 500 of somebody unknown.
    #[must_use]
    pub fn success_permille(self) -> u16 {
        permille(1 + u64::from(self.done), 2 + u64::from(self.done) + u64::from(self.failed), 0)
    }

    /// The chance of success with the agent's own confidence weighed in, in thousandths: the confidence counts as much as
    /// two awards, so it says much of somebody new and little of somebody known.
    #[must_use]
    pub fn chance_permille(self, confidence: Confidence) -> u16 {
        let trials = 2 + u64::from(self.done) + u64::from(self.failed) + WORD;
        permille(1 + u64::from(self.done), trials, WORD * u64::from(confidence.permille()))
    }
}

/// `successes` of `trials` in thousandths, with `extra` thousandths of a success more.
fn permille(successes: u64, trials: u64, extra: u64) -> u16 {
    u16::try_from((successes * 1000 + extra) / trials).unwrap_or(1000)
}

impl Reputation {
    /// Nothing is known of anybody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one outcome in.
    pub fn learn(&mut self, outcome: &Outcome) {
        self.0.entry((outcome.agent.clone(), outcome.skill.clone())).or_default().learn(outcome);
    }

    /// What is known of `agent` for `skill`.
    #[must_use]
    pub fn standing(&self, agent: &AgentName, skill: &str) -> Standing {
        self.0.get(&(agent.clone(), skill.to_owned())).copied().unwrap_or_default().standing()
    }

    /// Everybody of whom something is known, with the skill, in order of name.
    pub fn all(&self) -> impl Iterator<Item = (&AgentName, &str, Standing)> {
        self.0.keys().map(|(agent, skill)| (agent, skill.as_str(), self.standing(agent, skill)))
    }
}

impl TrackRecord {
    /// Folds one outcome in.
    pub fn learn(&mut self, outcome: &Outcome) {
        let bid = &outcome.bid;
        match outcome.result {
            Kept::Done { spent, took } => {
                self.done = self.done.saturating_add(1);
                if let Some(spent) = spent {
                    add(&mut self.prices, spent.as_nanos().into(), bid.price.as_nanos().into());
                }
                add(&mut self.times, took.as_millis(), bid.takes.as_millis());
            }
            Kept::Failed | Kept::Silent => self.failed = self.failed.saturating_add(1),
        }
    }

    /// What follows from it.
    #[must_use]
    pub fn standing(self) -> Standing {
        Standing {
            done: self.done,
            failed: self.failed,
            price_permille: mean(self.prices),
            time_permille: mean(self.times),
        }
    }
}

/// Adds a ratio of real to promised, held to a tenth and ten times, so that no single award decides.
fn add(sum: &mut (u64, u32), real: u128, promised: u128) {
    let ratio = (real.saturating_mul(1000) / promised.max(1)).clamp(100, 10_000);
    *sum = (sum.0.saturating_add(ratio as u64), sum.1.saturating_add(1));
}

/// The mean ratio, with one imagined award that kept its promise exactly.
fn mean((sum, count): (u64, u32)) -> u32 {
    u32::try_from((sum + 1000) / (u64::from(count) + 1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONE: Confidence = Confidence::from_permille(0).unwrap();

    fn outcome(result: Kept) -> Outcome {
        let bid = Bid {
            price: Money::from_nanos(1000),
            takes: Duration::from_secs(10),
            confidence: Confidence::CERTAIN,
        };
        Outcome { agent: "a@p".parse().unwrap(), skill: "rust".to_owned(), bid, result }
    }

    fn learned(results: &[Kept]) -> Standing {
        let mut reputation = Reputation::new();
        for result in results {
            reputation.learn(&outcome(*result));
        }
        reputation.standing(&"a@p".parse().unwrap(), "rust")
    }

    fn done(spent: u64, took: u64) -> Kept {
        Kept::Done { spent: Some(Money::from_nanos(spent)), took: Duration::from_secs(took) }
    }

    #[test]
    fn the_record_outweighs_the_word() {
        let unknown = learned(&[]);
        assert_eq!(unknown.success_permille(), 500);
        assert_eq!(unknown.chance_permille(Confidence::CERTAIN), 750);
        let bad = learned(&[Kept::Failed; 20]);
        assert!(bad.chance_permille(Confidence::CERTAIN) < 150);
        let good = learned(&[done(1000, 10); 20]);
        assert!(good.chance_permille(NONE) > 850);
        assert_eq!(learned(&[Kept::Silent]), learned(&[Kept::Failed]));
    }

    #[test]
    fn promises_are_calibrated() {
        let standing = learned(&[done(2000, 30), done(2000, 30), done(2000, 30)]);
        assert_eq!((standing.price_permille, standing.time_permille), (1750, 2500));
        let extreme = learned(&[done(u64::MAX, u64::MAX / 2000)]);
        assert_eq!((extreme.price_permille, extreme.time_permille), (5500, 5500));
    }

    #[test]
    fn skills_are_apart() {
        let mut reputation = Reputation::new();
        reputation.learn(&outcome(Kept::Failed));
        assert_eq!(reputation.standing(&"a@p".parse().unwrap(), "prose"), Standing::default());
        assert_eq!(reputation.all().count(), 1);
    }

    proptest! {
        #[test]
        fn the_order_of_outcomes_does_not_matter(results in prop::collection::vec((0..3_u8, 0..5000_u64, 0..100_u64), 0..20)) {
            let results: Vec<Kept> = results.into_iter().map(|(kind, spent, took)| match kind {
                0 => Kept::Failed,
                1 => Kept::Silent,
                _ => done(spent, took),
            }).collect();
            let standing = learned(&results);
            let reversed: Vec<Kept> = results.iter().rev().copied().collect();
            prop_assert_eq!(standing, learned(&reversed));
            prop_assert!(standing.success_permille() <= 1000);
            prop_assert!(standing.chance_permille(Confidence::CERTAIN) >= standing.chance_permille(NONE));
        }
    }
}
