//! Which bid is taken, and what is paid for it: a catalogue of pure rules.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use bottega_types::Money;

use super::Bid;
use crate::AgentName;
use crate::reputation::Standing;

/// A bid that may be awarded.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Who made it.
    pub agent: &'a AgentName,
    /// What is offered.
    pub bid: &'a Bid,
    /// What is known of the agent for the skill that the task takes.
    pub standing: Standing,
}

/// What a rule chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The candidate's place in the list.
    pub index: usize,
    /// What it is paid.
    pub pay: Money,
}

/// A rule of awarding. Pure: the same candidates in any order give the same winner; ties go to the cheaper, then the
/// faster, then the name that sorts first.
#[derive(Clone, Copy, Debug)]
pub struct AwardRule {
    /// Its name in settings.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub meaning: &'static str,
    /// The choice among candidates when an hour of waiting costs so much; `None` when there are none.
    pub choose: fn(&[Candidate<'_>], Money) -> Option<Choice>,
}

/// Every rule.
pub const AWARD_RULES: [AwardRule; 4] = [
    AwardRule {
        name: "cheapest",
        meaning: "the lowest price wins and is paid",
        choose: |candidates, _| {
            first_by(candidates, |_| 0).map(|index| own_price(candidates, index))
        },
    },
    AwardRule {
        name: "fastest",
        meaning: "the shortest time wins, at its price",
        choose: |candidates, _| {
            let index = first_by(candidates, |candidate| candidate.bid.takes.as_millis())?;
            Some(own_price(candidates, index))
        },
    },
    AwardRule {
        name: "best-value",
        meaning: "the lowest cost to be expected per success wins, by price, time, confidence and record",
        choose: |candidates, hour| {
            let index = first_by(candidates, |candidate| expected_cost(candidate, hour))?;
            Some(own_price(candidates, index))
        },
    },
    AwardRule {
        name: "vickrey",
        meaning: "the lowest price wins and is paid the second lowest, so that nobody gains by asking for more",
        choose: |candidates, _| {
            let index = first_by(candidates, |_| 0)?;
            let others = candidates.iter().enumerate().filter(|(other, _)| *other != index);
            let second = others.map(|(_, candidate)| candidate.bid.price).min();
            Some(Choice { index, pay: second.unwrap_or(candidates[index].bid.price) })
        },
    },
];

impl AwardRule {
    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        const { &AWARD_RULES }.iter().find(|rule| rule.name == name)
    }
}

fn own_price(candidates: &[Candidate<'_>], index: usize) -> Choice {
    Choice { index, pay: candidates[index].bid.price }
}

/// The candidate with the least `cost`; ties as the rules promise.
fn first_by(candidates: &[Candidate<'_>], cost: impl Fn(&Candidate<'_>) -> u128) -> Option<usize> {
    let order = |candidate: &Candidate<'_>| {
        let Bid { price, takes, confidence } = *candidate.bid;
        (cost(candidate), price, takes, Reverse(confidence), candidate.agent.clone())
    };
    (0..candidates.len()).min_by_key(|index| order(&candidates[*index]))
}

/// What a success is expected to cost, in billionths of a dollar: price and time, as the agent's record corrects them,
/// over the chance that it succeeds. Whole numbers, so that every machine chooses alike.
fn expected_cost(candidate: &Candidate<'_>, hour: Money) -> u128 {
    let Bid { price, takes, confidence } = *candidate.bid;
    let standing = candidate.standing;
    let price = u128::from(price.as_nanos()) * u128::from(standing.price_permille) / 1000;
    let wait =
        takes.as_millis().min(u128::from(u64::MAX)) * u128::from(standing.time_permille) / 1000;
    let wait = wait.saturating_mul(u128::from(hour.as_nanos())) / 3_600_000;
    let chance = u128::from(standing.chance_permille(confidence)).max(1);
    price.saturating_add(wait).saturating_mul(1000) / chance
}
