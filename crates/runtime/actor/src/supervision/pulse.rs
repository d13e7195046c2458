//! Seeing that an actor is stuck over one message, without asking it. Pure.

use std::time::Duration;

/// What can be seen of an actor from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    pub(crate) busy: bool,
    pub(crate) handled: u64,
}

/// What is known of an actor's progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    limit: Duration,
    last: Sign,
    since: Duration,
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    Well,
    /// It has been over one message for so long. Told once for each.
    Stuck(Duration),
}

impl Pulse {
    pub(crate) const fn new(limit: Duration, now: Duration) -> Self {
        Self { limit, last: Sign { busy: false, handled: 0 }, since: now, told: false }
    }

    /// When to look again.
    pub(crate) fn next_look(&self, now: Duration) -> Duration {
        now + (self.limit / 2).max(Duration::from_millis(1))
    }

    /// What `sign` at `now` means. An actor that is idle or went on since the last look is well.
    pub(crate) fn look(&mut self, now: Duration, sign: Sign) -> Beat {
        if !sign.busy || sign != self.last {
            self.last = sign;
            self.since = now;
            self.told = false;
            return Beat::Well;
        }
        let lasted = now.saturating_sub(self.since);
        if lasted < self.limit || self.told {
            return Beat::Well;
        }
        self.told = true;
        Beat::Stuck(lasted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every five milliseconds at a limit of ten. In `signs`, `.` is an idle actor and a digit how many messages a busy
    /// one has dealt with; in `expected`, `!` is stuck.
    #[track_caller]
    fn check(signs: &str, expected: &str) {
        let mut pulse = Pulse::new(Duration::from_millis(10), Duration::ZERO);
        let mut now = Duration::ZERO;
        let beats: String = signs
            .chars()
            .map(|sign| {
                now = pulse.next_look(now);
                let handled = sign.to_digit(10).map_or(0, u64::from);
                match pulse.look(now, Sign { busy: sign != '.', handled }) {
                    Beat::Well => '-',
                    Beat::Stuck(_) => '!',
                }
            })
            .collect();
        assert_eq!(beats, expected);
    }

    #[test]
    fn who_goes_on_is_not_stuck() {
        check("1234567", "-------");
        check("1122334", "-------");
    }

    #[test]
    fn who_has_nothing_to_do_is_not_stuck() {
        check(".......", "-------");
        check("3...3.3", "-------");
    }

    #[test]
    fn who_stays_over_one_message_is_stuck_and_told_once() {
        check("3333333", "--!----");
        check("33334444", "--!---!-");
    }
}
