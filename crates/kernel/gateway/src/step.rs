//! What to do after an attempt failed. Pure: the wait is drawn from a number that is handed in.

use std::time::Duration;

use bottega_llm::{ErrorKind, ModelError, Retry};

/// How patiently one model is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Further attempts after the first.
    pub most: u32,
    /// The longest wait before the first further attempt; it doubles with each.
    pub wait: Duration,
    /// The longest wait of all. A provider that names a longer one is given up.
    pub wait_most: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { most: 4, wait: Duration::from_millis(500), wait_most: Duration::from_secs(60) }
    }
}

/// Where an ask stands when an attempt has just failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Attempts at this model so far, from 1.
    pub(crate) attempts: u32,
    /// What is left until the deadline.
    pub(crate) remaining: Duration,
    /// Whether what was promised for the call still covers another attempt at this model.
    pub(crate) covers_same: bool,
    /// Whether there is a next model, and the promise covers an attempt at it.
    pub(crate) covers_next: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the same model again after so long.
    Again(Duration),
    /// Ask the next model of the route.
    Next,
    /// Return the error.
    GiveUp,
}

/// Decides the next step. `draw` is a random number in `0..1`.
pub(crate) fn next(retries: &Retries, standing: &Standing, error: &ModelError, draw: f64) -> Step {
    let next = if standing.covers_next { Step::Next } else { Step::GiveUp };
    if standing.remaining.is_zero() {
        return Step::GiveUp;
    }
    match error.retry() {
        // No model can help: the request, the conversation or the budget must change first.
        Retry::WhenShorter => Step::GiveUp,
        Retry::Never if matches!(error.kind, ErrorKind::InvalidRequest | ErrorKind::Budget) => {
            Step::GiveUp
        }
        Retry::Never => next,
        Retry::After(named) => {
            let wait = named.unwrap_or_else(|| back_off(retries, standing.attempts, draw));
            let worth_it = standing.attempts <= retries.most
                && standing.covers_same
                && wait <= retries.wait_most
                && wait < standing.remaining;
            if worth_it { Step::Again(wait) } else { next }
        }
    }
}

/// Exponential back-off with full jitter: any wait between nothing and a ceiling that doubles, so that
/// clients that failed together do not come back together.
fn back_off(retries: &Retries, attempts: u32, draw: f64) -> Duration {
    let doubled = retries.wait.saturating_mul(1 << attempts.saturating_sub(1).min(20));
    doubled.min(retries.wait_most).mul_f64(draw.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries =
        Retries { most: 2, wait: Duration::from_secs(1), wait_most: Duration::from_secs(60) };

    const OPEN: Standing = Standing {
        attempts: 1,
        remaining: Duration::from_secs(100),
        covers_same: true,
        covers_next: true,
    };

    fn error(kind: ErrorKind) -> ModelError {
        ModelError::new(kind, "x")
    }

    fn wants(seconds: u64) -> ModelError {
        ModelError {
            retry_after: Some(Duration::from_secs(seconds)),
            ..error(ErrorKind::RateLimited)
        }
    }

    #[track_caller]
    fn check(standing: Standing, error: &ModelError, expected: Step) {
        assert_eq!(next(&RETRIES, &standing, error, 0.5), expected, "{error:?} at {standing:?}");
    }

    fn again(millis: u64) -> Step {
        Step::Again(Duration::from_millis(millis))
    }

    #[test]
    fn every_kind_of_error_has_its_step() {
        for (kind, expected) in [
            (ErrorKind::RateLimited, again(500)),
            (ErrorKind::Overloaded, again(500)),
            (ErrorKind::Timeout, again(500)),
            (ErrorKind::Network, again(500)),
            (ErrorKind::CutOff, again(500)),
            (ErrorKind::Garbled, again(500)),
            (ErrorKind::Authentication, Step::Next),
            (ErrorKind::Permission, Step::Next),
            (ErrorKind::NotFound, Step::Next),
            (ErrorKind::QuotaExhausted, Step::Next),
            (ErrorKind::Unsupported, Step::Next),
            (ErrorKind::Internal, Step::Next),
            (ErrorKind::InvalidRequest, Step::GiveUp),
            (ErrorKind::ContextOverflow, Step::GiveUp),
            (ErrorKind::Budget, Step::GiveUp),
        ] {
            check(OPEN, &error(kind), expected);
        }
    }

    #[test]
    fn waits_double_and_end() {
        let busy = error(ErrorKind::Overloaded);
        check(Standing { attempts: 2, ..OPEN }, &busy, again(1000));
        check(Standing { attempts: 3, ..OPEN }, &busy, Step::Next);
        check(Standing { attempts: 3, covers_next: false, ..OPEN }, &busy, Step::GiveUp);
    }

    #[test]
    fn the_provider_names_the_wait_within_reason() {
        check(OPEN, &wants(7), again(7000));
        check(OPEN, &wants(61), Step::Next);
        check(Standing { remaining: Duration::from_secs(7), ..OPEN }, &wants(7), Step::Next);
        check(Standing { covers_next: false, ..OPEN }, &wants(61), Step::GiveUp);
    }

    #[test]
    fn nothing_is_asked_that_is_not_covered_or_too_late() {
        let busy = error(ErrorKind::Overloaded);
        check(Standing { covers_same: false, ..OPEN }, &busy, Step::Next);
        check(Standing { covers_same: false, covers_next: false, ..OPEN }, &busy, Step::GiveUp);
        check(Standing { remaining: Duration::ZERO, ..OPEN }, &busy, Step::GiveUp);
        check(Standing { covers_next: false, ..OPEN }, &error(ErrorKind::NotFound), Step::GiveUp);
    }

    #[test]
    fn no_wait_leaves_its_bounds() {
        for attempts in [0, 1, 5, 40, u32::MAX] {
            for draw in [0.0, 0.999, 1.0] {
                assert!(back_off(&RETRIES, attempts, draw) <= RETRIES.wait_most);
            }
        }
    }
}
