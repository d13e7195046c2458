//! Budgets, checked before the money is spent.

use std::fmt;

use bottega_types::{Money, Tokens};
use serde::{Deserialize, Serialize};

/// The most that may be spent. What is absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Tokens, prompt and answer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
}

/// What was spent, open calls counted at their worst case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens, prompt and answer together.
    pub tokens: Tokens,
    /// Money.
    pub money: Money,
}

impl std::ops::Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { tokens: self.tokens + other.tokens, money: self.money + other.money }
    }
}

/// What a call may cost at most under a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Output tokens it may produce.
    pub max_output: u32,
    /// The worst that it can cost with that many.
    pub worst: Spent,
}

/// Which resource ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Tokens.
    Tokens,
    /// Money.
    Money,
}

/// The budget does not cover even the smallest useful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Exhausted {
    /// What ran out.
    pub resource: Resource,
    /// The budget.
    pub budget: Budget,
    /// What was spent before.
    pub spent: Spent,
    /// The least that the call would need on top.
    pub needed: Spent,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.resource {
            Resource::Tokens => write!(
                f,
                "the next call needs up to {} tokens; {} of {} are spent",
                self.needed.tokens,
                self.spent.tokens,
                self.budget.tokens.unwrap_or_default()
            ),
            Resource::Money => write!(
                f,
                "the next call may cost {}; {} of {} are spent",
                self.needed.money,
                self.spent.money,
                self.budget.money.unwrap_or_default()
            ),
        }
    }
}

impl Budget {
    /// Nothing is limited.
    pub const UNLIMITED: Self = Self { tokens: None, money: None };

    /// How many output tokens a call may produce so that even its worst case stays within this budget.
    ///
    /// `prompt` is an upper bound of the prompt's tokens; `input_price` and `output_price` are per
    /// million tokens, at the dearest rate that applies (a cache write may cost more than fresh input).
    /// `wanted` is what the caller would like, `least` what makes an answer worth having.
    pub fn allowance(
        &self,
        spent: Spent,
        prompt: Tokens,
        input_price: Money,
        output_price: Money,
        wanted: u32,
        least: u32,
    ) -> Result<Allowance, Exhausted> {
        let worst = |output: u32| Spent {
            tokens: prompt + Tokens::new(output.into()),
            money: input_price.per_million(prompt)
                + output_price.per_million(Tokens::new(output.into())),
        };
        let fits = |output: u32| self.exceeded(spent + worst(output)).is_none();
        let least = least.min(wanted);
        if let Some(resource) = self.exceeded(spent + worst(least)) {
            return Err(Exhausted { resource, budget: *self, spent, needed: worst(least) });
        }
        // The cost grows with the output, so the largest that fits is found by halving.
        let (mut low, mut high) = (least, wanted);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        Ok(Allowance { max_output: low, worst: worst(low) })
    }

    /// The resource of which `spent` is more than this budget allows.
    #[must_use]
    pub fn exceeded(&self, spent: Spent) -> Option<Resource> {
        if self.tokens.is_some_and(|limit| spent.tokens > limit) {
            return Some(Resource::Tokens);
        }
        self.money.is_some_and(|limit| spent.money > limit).then_some(Resource::Money)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_worst_case_never_exceeds_the_budget(
            tokens in proptest::option::of(0_u64..100_000),
            nanos in proptest::option::of(0_u64..1_000_000_000),
            spent_tokens in 0_u64..50_000,
            spent_nanos in 0_u64..500_000_000,
            prompt in 0_u64..50_000,
            input_price in 0_u64..20_000_000_000,
            output_price in 0_u64..80_000_000_000,
            wanted in 1_u32..20_000,
            least in 1_u32..500,
        ) {
            let budget = Budget { tokens: tokens.map(Tokens::new), money: nanos.map(Money::from_nanos) };
            let spent = Spent { tokens: Tokens::new(spent_tokens), money: Money::from_nanos(spent_nanos) };
            let (input, output) = (Money::from_nanos(input_price), Money::from_nanos(output_price));
            let prompt = Tokens::new(prompt);
            match budget.allowance(spent, prompt, input, output, wanted, least) {
                Ok(allowance) => {
                    prop_assert_eq!(budget.exceeded(spent + allowance.worst), None);
                    prop_assert!(allowance.max_output <= wanted);
                    // One more token would not have fitted, unless no more was wanted.
                    if allowance.max_output < wanted {
                        let more = Spent {
                            tokens: prompt + Tokens::new(u64::from(allowance.max_output) + 1),
                            money: input.per_million(prompt)
                                + output.per_million(Tokens::new(u64::from(allowance.max_output) + 1)),
                        };
                        prop_assert!(budget.exceeded(spent + more).is_some());
                    }
                }
                Err(exhausted) => prop_assert!(budget.exceeded(spent + exhausted.needed).is_some()),
            }
        }
    }
}
