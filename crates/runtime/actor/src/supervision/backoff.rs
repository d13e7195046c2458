//! How long a child rests before it is begun anew.

use std::time::Duration;

/// Pauses that grow with each failure in a row. Pure: the random draw is handed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The pause after the first failure; zero is none at all, whatever follows.
    pub first: Duration,
    /// The longest one.
    pub most: Duration,
    /// By what each is longer than the one before. Below 1 counts as 1.
    pub factor: f64,
    /// Which part of a pause is random, 0 to 1: with 0.5 it lasts half to all of its length.
    pub jitter: f64,
    /// A child that was up for so long has no failures behind it.
    pub calm: Duration,
}

impl Default for Backoff {
    /// 100 ms, 200 ms, … up to 30 s, half of it random; forgotten after a minute.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            most: Duration::from_secs(30),
            factor: 2.0,
            jitter: 0.5,
            calm: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// No pauses.
    pub const NONE: Self = Self {
        first: Duration::ZERO,
        most: Duration::ZERO,
        factor: 1.0,
        jitter: 0.0,
        calm: Duration::ZERO,
    };

    /// The pause after that many failures in a row, from 1. `draw` is in `0..1`.
    #[must_use]
    pub fn pause(&self, failures: u32, draw: f64) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let most = self.most.as_secs_f64();
        let full = (self.first.as_secs_f64() * self.factor.max(1.0).powi(exponent)).min(most);
        let part = 1.0 - self.jitter.clamp(0.0, 1.0) * draw.clamp(0.0, 1.0);
        // `full` is no number when nothing is multiplied by infinity: a pause of nothing.
        Duration::try_from_secs_f64(full * part).unwrap_or(Duration::ZERO).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(backoff: Backoff, draw: f64, expected: &[u64]) {
        let millis = |failures| backoff.pause(failures, draw).as_millis();
        let pauses: Vec<_> = (1..).take(expected.len()).map(millis).collect();
        assert_eq!(pauses, expected.iter().copied().map(u128::from).collect::<Vec<_>>());
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let most = Duration::from_millis(1000);
        let backoff = Backoff { most, jitter: 0.0, ..Backoff::default() };
        check(backoff, 0.9, &[100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn the_random_part_shortens() {
        check(Backoff::default(), 0.5, &[75, 150, 300]);
        check(Backoff { jitter: 1.0, ..Backoff::default() }, 0.99, &[1, 2, 4]);
    }

    #[test]
    fn no_pause_stays_none() {
        check(Backoff::NONE, 0.5, &[0, 0, 0]);
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_the_longest(
            failures: u32, draw in 0.0..1.0, first in 0u64..10_000_000, most in 0u64..10_000_000,
            factor: f64, jitter: f64,
        ) {
            let (first, most) = (Duration::from_millis(first), Duration::from_millis(most));
            let backoff = Backoff { first, most, factor, jitter, calm: Duration::ZERO };
            prop_assert!(backoff.pause(failures, draw) <= most);
        }
    }
}
