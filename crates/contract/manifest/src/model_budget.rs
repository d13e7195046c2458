//! The tokens that a guest may still spend on models.

use std::sync::atomic::{AtomicU64, Ordering};

use bottega_types::Tokens;

/// The tokens that a guest may still spend on models.
///
/// Shared by all instances of one guest, before and after a restart or an upgrade, by whoever starts them: so that
/// ending an instance gives nothing back. Reserved before a question at its worst, settled after its answer.
#[derive(Debug)]
pub struct ModelBudget(AtomicU64);

impl ModelBudget {
    /// A budget of this many tokens.
    #[must_use]
    pub const fn new(tokens: Tokens) -> Self {
        Self(AtomicU64::new(tokens.get()))
    }

    /// Takes out what was spent before, as far as it is there.
    pub fn spend(&self, tokens: Tokens) {
        self.settle(Tokens::new(0), tokens);
    }

    /// What is left.
    #[must_use]
    pub fn left(&self) -> Tokens {
        Tokens::new(self.0.load(Ordering::Relaxed))
    }

    /// Takes out up to `most`; nothing when nothing is left.
    #[must_use]
    pub fn reserve(&self, most: Tokens) -> Option<Tokens> {
        let most = most.get();
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left > 0 && most > 0).then(|| left - most.min(left))
            })
            .ok()?;
        Some(Tokens::new(most.min(taken)))
    }

    /// Gives back what of a reserve was not spent. What was overspent is taken out.
    pub fn settle(&self, reserved: Tokens, spent: Tokens) {
        let (reserved, spent) = (reserved.get(), spent.get());
        let settled = |left: u64| Some(left.saturating_add(reserved).saturating_sub(spent));
        // The closure always returns a value, so that this can't fail.
        let _settled = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, settled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_takes_what_is_there_and_gives_back_what_was_not_spent() {
        let budget = ModelBudget::new(Tokens::new(100));
        assert_eq!(budget.reserve(Tokens::new(70)), Some(Tokens::new(70)));
        assert_eq!(budget.reserve(Tokens::new(70)), Some(Tokens::new(30)));
        assert_eq!(budget.reserve(Tokens::new(1)), None);
        budget.settle(Tokens::new(70), Tokens::new(60));
        assert_eq!(budget.left(), Tokens::new(10));
        budget.settle(Tokens::new(30), Tokens::new(500));
        assert_eq!(budget.left(), Tokens::new(0));
    }
}
