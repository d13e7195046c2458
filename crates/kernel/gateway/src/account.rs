//! What one call may still cost, of what was promised for it.

use bottega_llm::Usage;
use bottega_policy::{Allowance, Budget, Exhausted, Spent};
use bottega_types::Tokens;

use crate::price::Ceiling;

/// The account of one call: what was promised, what is gone, what is at stake right now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    promised: Spent,
    gone: Spent,
    at_stake: Spent,
    /// Whether the price of the model that is being asked is known.
    priced: bool,
    /// Whether an attempt that is gone had no known price.
    unpriced: bool,
}

impl Account {
    pub(crate) fn new(promised: Spent) -> Self {
        Self {
            promised,
            gone: Spent::default(),
            at_stake: Spent::default(),
            priced: true,
            unpriced: false,
        }
    }

    /// How long an answer to a prompt of at most `prompt` tokens may be, so that even its worst case stays
    /// within the promise.
    pub(crate) fn allow(
        &self,
        prompt: Tokens,
        ceiling: Ceiling,
        wanted: u32,
        least: u32,
    ) -> Result<Allowance, Exhausted> {
        let promise =
            Budget { tokens: Some(self.promised.tokens), money: Some(self.promised.money) };
        promise.allowance(self.gone, prompt, ceiling.input, ceiling.output, wanted, least)
    }

    /// An attempt begins that may cost so much; its money counts only where the model is `priced`.
    pub(crate) const fn begin(&mut self, worst: Spent, priced: bool) {
        self.at_stake = worst;
        self.priced = priced;
    }

    /// The attempt cost nothing.
    pub(crate) fn free(&mut self) {
        self.at_stake = Spent::default();
    }

    /// The attempt broke after it had begun. Whatever arrived, the provider may have gone on to the end and
    /// bills that, hidden reasoning included: all that was at stake is gone.
    pub(crate) fn broke(&mut self) {
        self.unpriced = self.unpriced();
        self.gone = self.exposure();
        self.free();
    }

    /// The attempt cost this.
    pub(crate) fn paid(&mut self, cost: Spent) {
        self.unpriced |= !self.priced;
        self.gone = self.gone + cost;
        self.free();
    }

    /// The most that the call may have cost by now.
    pub(crate) fn exposure(&self) -> Spent {
        self.gone + self.at_stake
    }

    /// Whether nobody knows what some of the tokens of [`exposure`](Self::exposure) cost.
    pub(crate) fn unpriced(&self) -> bool {
        self.unpriced || (!self.priced && self.at_stake != Spent::default())
    }
}

/// The usage to bill for an answer: what the provider reported, or the worst case where it reported nothing.
pub(crate) fn billed(reported: Usage, prompt: Tokens, output: Tokens) -> Usage {
    if reported.total() > Tokens::ZERO {
        return reported;
    }
    Usage { input: prompt, output, ..Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_types::Money;
    use proptest::prelude::*;

    fn spent(tokens: u64, nanos: u64) -> Spent {
        Spent { tokens: Tokens::new(tokens), money: Money::from_nanos(nanos) }
    }

    #[test]
    fn a_broken_attempt_is_gone_and_a_refused_one_is_not() {
        let mut account = Account::new(spent(100, 100));
        account.begin(spent(60, 60), true);
        assert_eq!(account.exposure(), spent(60, 60));
        account.free();
        assert_eq!(account.exposure(), spent(0, 0));
        account.begin(spent(60, 60), true);
        account.broke();
        assert_eq!(account.exposure(), spent(60, 60));
        let free = Ceiling { input: Money::ZERO, output: Money::ZERO };
        assert!(account.allow(Tokens::new(20), free, 21, 21).is_err());
        assert_eq!(account.allow(Tokens::new(20), free, 21, 5).unwrap().max_output, 20);
    }

    #[test]
    fn what_has_no_price_counts_as_unknown_once_it_is_at_stake() {
        let mut account = Account::new(spent(100, 100));
        account.begin(spent(10, 0), false);
        assert!(account.unpriced());
        account.free();
        assert!(!account.unpriced());
        account.begin(spent(10, 0), false);
        account.broke();
        account.begin(spent(10, 5), true);
        account.paid(spent(10, 5));
        assert!(account.unpriced());
    }

    proptest! {
        #[test]
        fn attempts_never_sum_to_more_than_was_promised(
            promised in 0_u64..5_000,
            price in 0_u64..3_000_000,
            attempts in proptest::collection::vec((0_u64..1_000, 1_u32..1_000, 0_u8..3, 0.0_f64..1.0), 1..12),
        ) {
            let ceiling = Ceiling { input: Money::from_nanos(price), output: Money::from_nanos(price * 4) };
            let mut account = Account::new(spent(promised, promised * 2));
            for (prompt, output, end, part) in attempts {
                let Ok(allowance) = account.allow(Tokens::new(prompt), ceiling, output, 1) else { continue };
                account.begin(allowance.worst, true);
                match end {
                    0 => account.free(),
                    1 => account.broke(),
                    _ => account.paid(Spent {
                        tokens: Tokens::new((allowance.worst.tokens.get() as f64 * part) as u64),
                        money: Money::from_nanos((allowance.worst.money.as_nanos() as f64 * part) as u64),
                    }),
                }
                prop_assert!(account.exposure().tokens <= Tokens::new(promised));
                prop_assert!(account.exposure().money <= Money::from_nanos(promised * 2));
            }
        }
    }

    #[test]
    fn an_answer_without_usage_is_billed_at_its_worst() {
        let reported = Usage { input: Tokens::new(3), ..Usage::default() };
        assert_eq!(billed(reported, Tokens::new(9), Tokens::new(9)), reported);
        let worst = billed(Usage::default(), Tokens::new(9), Tokens::new(7));
        assert_eq!((worst.input, worst.output), (Tokens::new(9), Tokens::new(7)));
    }
}
