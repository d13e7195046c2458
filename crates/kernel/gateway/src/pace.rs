//! When the next request may be sent to a provider that allows so many a minute.

use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);

/// The generic cell rate algorithm (ITU-T I.371, annex A), as a pure machine over moments that are counted
/// from any fixed start.
///
/// In no window of sixty seconds are more requests admitted than were allowed. A tenth of them may come at
/// once; the others are spread evenly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The time between two requests when they come steadily.
    interval: Duration,
    /// How far requests may run ahead of the steady rate.
    tolerance: Duration,
    /// When the next request is due at the steady rate.
    due: Duration,
}

impl Pace {
    /// So many requests a minute; none counts as one.
    pub(crate) fn per_minute(requests: u32) -> Self {
        let requests = requests.max(1);
        let burst = 1 + requests / 10;
        // `burst` at once and then one after each interval make at most `requests` in a window when the
        // interval is a window over what is left; one nanosecond more makes up for the rounding.
        let interval = WINDOW / (requests - burst + 1) + Duration::from_nanos(1);
        Self { interval, tolerance: interval * (burst - 1), due: Duration::ZERO }
    }

    /// Admits a request at `now`, or says after how long it may be tried again.
    pub(crate) fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        let earliest = self.due.saturating_sub(self.tolerance);
        if now < earliest {
            return Err(earliest - now);
        }
        self.due = self.due.max(now) + self.interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sends `count` requests as early as allowed and returns when each was admitted.
    fn rush(per_minute: u32, count: usize) -> Vec<Duration> {
        let mut pace = Pace::per_minute(per_minute);
        let mut now = Duration::ZERO;
        (0..count)
            .map(|_| {
                while let Err(wait) = pace.admit(now) {
                    now += wait;
                }
                now
            })
            .collect()
    }

    #[track_caller]
    fn check(per_minute: u32, expected_seconds: &[u64]) {
        let admitted = rush(per_minute, expected_seconds.len());
        let seconds: Vec<u64> = admitted.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, expected_seconds, "{per_minute} a minute");
    }

    #[test]
    fn requests_are_spread_over_the_minute() {
        check(1, &[0, 60, 120]);
        check(6, &[0, 10, 20, 30]);
        // Two at once, then one each 60 / 9 s.
        check(10, &[0, 0, 6, 13, 20]);
    }

    #[test]
    fn a_pause_gives_back_the_burst_and_no_more() {
        let mut pace = Pace::per_minute(10);
        let later = Duration::from_secs(3600);
        assert_eq!((pace.admit(later), pace.admit(later)), (Ok(()), Ok(())));
        assert!(pace.admit(later).is_err());
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_allowed(
            per_minute in 1_u32..300,
            gaps in proptest::collection::vec(0_u64..5_000, 1..400),
        ) {
            let mut pace = Pace::per_minute(per_minute);
            let mut now = Duration::ZERO;
            let mut admitted: Vec<Duration> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if pace.admit(now).is_ok() {
                    admitted.push(now);
                }
            }
            admitted.extend(rush(per_minute, per_minute as usize * 2).iter().map(|at| now + WINDOW + *at));
            for (first, start) in admitted.iter().enumerate() {
                let inside = admitted[first..].iter().take_while(|at| **at < *start + WINDOW).count();
                prop_assert!(inside <= per_minute as usize, "{} in a window", inside);
            }
        }
    }
}
