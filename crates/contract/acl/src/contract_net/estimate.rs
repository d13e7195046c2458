//! What a bidder asks for, by what its earlier work really cost and took.

use std::time::Duration;

use bottega_types::Money;

use super::{Bid, Confidence};

/// One piece of earlier work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// What it cost.
    pub cost: Money,
    /// How long it took.
    pub took: Duration,
    /// Whether it ended with a result.
    pub done: bool,
}

/// What a bidder believes before it has worked. It counts as one piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prior {
    /// What a task costs.
    pub cost: Money,
    /// How long it takes.
    pub takes: Duration,
}

/// A bid that is meant to be kept: the mean of what work really cost, the time within which three quarters of it were done,
/// and the share that ended with a result (Laplace's rule of succession). Pure, and the same in any order.
#[must_use]
pub fn estimate(past: &[Past], prior: Prior) -> Bid {
    let done: Vec<&Past> = past.iter().filter(|one| one.done).collect();
    let costs: u128 = done.iter().map(|one| u128::from(one.cost.as_nanos())).sum();
    let count = done.len() as u128 + 1;
    let price = (costs + u128::from(prior.cost.as_nanos())).div_ceil(count);
    let mut times: Vec<Duration> = done.iter().map(|one| one.took).collect();
    times.push(prior.takes);
    times.sort_unstable();
    // The smallest time that three quarters do not exceed.
    let takes = times[(times.len() * 3).div_ceil(4) - 1];
    let sure = (done.len() as u64 + 1) * 1_000 / (past.len() as u64 + 2);
    Bid {
        price: Money::from_nanos(u64::try_from(price).unwrap_or(u64::MAX)),
        takes,
        confidence: u16::try_from(sure)
            .ok()
            .and_then(Confidence::from_permille)
            .unwrap_or(Confidence::CERTAIN),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRIOR: Prior = Prior { cost: Money::from_nanos(100), takes: Duration::from_secs(60) };

    fn past(cost: u64, seconds: u64, done: bool) -> Past {
        Past { cost: Money::from_nanos(cost), took: Duration::from_secs(seconds), done }
    }

    #[track_caller]
    fn check(work: &[Past], price: u64, seconds: u64, permille: u16) {
        let bid = estimate(work, PRIOR);
        let came = (bid.price.as_nanos(), bid.takes.as_secs(), bid.confidence.permille());
        assert_eq!(came, (price, seconds, permille));
    }

    #[test]
    fn a_bid_follows_what_work_really_took() {
        check(&[], 100, 60, 500);
        check(&[past(200, 10, true)], 150, 60, 666);
        let five = [5, 6, 7, 8, 90].map(|seconds| past(100, seconds, true));
        check(&five, 100, 60, 857);
        // What failed says nothing of price and time, and all the more of certainty.
        check(&[past(900, 900, false), past(900, 900, false)], 100, 60, 250);
    }

    proptest! {
        #[test]
        fn the_order_of_work_does_not_matter(work in prop::collection::vec((0..1_000_u64, 0..100_u64, any::<bool>()), 0..30)) {
            let work: Vec<Past> = work.into_iter().map(|(cost, took, done)| past(cost, took, done)).collect();
            let reversed: Vec<Past> = work.iter().rev().copied().collect();
            prop_assert_eq!(estimate(&work, PRIOR), estimate(&reversed, PRIOR));
        }
    }
}
