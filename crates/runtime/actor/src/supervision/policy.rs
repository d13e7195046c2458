//! What a supervisor may be told to do about the ends of its children.

use std::collections::VecDeque;
use std::time::Duration;

/// Who is restarted when one child has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// That child alone.
    OneForOne,
    /// All children: the others are stopped in reverse order, then all are started in order.
    OneForAll,
    /// That child and those that were added after it.
    RestForOne,
}

/// When a child is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Whenever it ends.
    Permanent,
    /// When it crashed or was killed. One that ended as it should has done its work and is forgotten.
    Transient,
    /// Never. It is forgotten however it ends, also when it is stopped on account of a sibling.
    Temporary,
}

/// The most restarts that a supervisor makes before it gives up: `restarts` within any `within`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// That many are made.
    pub restarts: u32,
    /// The stretch of time that they are counted in.
    pub within: Duration,
}

impl Default for Intensity {
    /// Three in five seconds.
    fn default() -> Self {
        Self { restarts: 3, within: Duration::from_secs(5) }
    }
}

/// Counts restarts. Pure.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    intensity: Intensity,
    made: VecDeque<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Yes,
    No,
}

impl Window {
    pub(crate) const fn new(intensity: Intensity) -> Self {
        Self { intensity, made: VecDeque::new() }
    }

    /// Counts one restart at `now`, if it is still allowed. One made exactly `within` ago counts no more.
    pub(crate) fn restart(&mut self, now: Duration) -> Allowed {
        while self.made.front().is_some_and(|made| *made + self.intensity.within <= now) {
            self.made.pop_front();
        }
        if self.made.len() >= usize::try_from(self.intensity.restarts).unwrap_or(usize::MAX) {
            return Allowed::No;
        }
        self.made.push_back(now);
        Allowed::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `restarts` in ten milliseconds, one at each of `moments`; `expected` has a letter for each: `y` or `n`.
    #[track_caller]
    fn check(restarts: u32, moments: &[u64], expected: &str) {
        let within = Duration::from_millis(10);
        let mut window = Window::new(Intensity { restarts, within });
        let answers: String = moments
            .iter()
            .map(|at| match window.restart(Duration::from_millis(*at)) {
                Allowed::Yes => 'y',
                Allowed::No => 'n',
            })
            .collect();
        assert_eq!(answers, expected);
    }

    #[test]
    fn restarts_are_counted_in_a_window_that_moves() {
        check(2, &[0, 1, 2], "yyn");
        check(2, &[0, 1, 10, 10, 11], "yyyny");
        check(2, &[0, 20, 40, 60], "yyyy");
    }

    #[test]
    fn none_allowed_is_none_made() {
        check(0, &[0, 100], "nn");
    }
}
