//! A guard before something outside that may be down, so that it is not asked again and again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a circuit opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitOptions {
    /// It opens at that many failures in a row; at least one.
    pub failures: u32,
    /// For how long it lets nobody through before it tries again.
    pub rest: Duration,
    /// How many trials must succeed then, one after the other, until it closes; at least one.
    pub trials: u32,
}

impl Default for CircuitOptions {
    /// Five failures, ten seconds, one trial.
    fn default() -> Self {
        Self { failures: 5, rest: Duration::from_secs(10), trials: 1 }
    }
}

/// Why a call has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircuitError<E> {
    /// It was not made.
    #[error("not asked, as it failed lately; again in {again:?}")]
    Open {
        /// When a call may be let through; zero while a trial is under way.
        again: Duration,
    },
    /// It was made, and failed.
    #[error(transparent)]
    Failed(E),
}

/// What a circuit lets through, for all to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CircuitState {
    /// Every call.
    Closed,
    /// None.
    Open,
    /// One at a time, to see whether it works again.
    Trying,
}

/// Decides who is let through. Pure: moments are handed in, as time since any start.
#[derive(Clone, Debug)]
struct Judge {
    options: CircuitOptions,
    phase: Phase,
    /// Which stretch of letting through this is; what was let through in an earlier one says nothing about now.
    stretch: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Duration },
    Trying { good: u32, under_way: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Good,
    Bad,
}

impl Judge {
    const fn new(options: CircuitOptions) -> Self {
        Self { options, phase: Phase::Closed { failures: 0 }, stretch: 0 }
    }

    /// Lets a call through, as part of a stretch, or says when to come again.
    fn admit(&mut self, now: Duration) -> Result<u64, Duration> {
        if let Phase::Open { until } = self.phase
            && until <= now
        {
            self.enter(Phase::Trying { good: 0, under_way: false });
        }
        match &mut self.phase {
            Phase::Closed { .. } => Ok(self.stretch),
            Phase::Open { until } => Err(*until - now),
            Phase::Trying { under_way: true, .. } => Err(Duration::ZERO),
            Phase::Trying { under_way, .. } => {
                *under_way = true;
                Ok(self.stretch)
            }
        }
    }

    /// What became of a call that was let through.
    fn learn(&mut self, now: Duration, stretch: u64, outcome: Outcome) {
        if stretch != self.stretch {
            return;
        }
        let open = Phase::Open { until: now + self.options.rest };
        match (self.phase, outcome) {
            (Phase::Closed { .. }, Outcome::Good) => self.phase = Phase::Closed { failures: 0 },
            (Phase::Closed { failures }, Outcome::Bad) => {
                if failures + 1 >= self.options.failures {
                    self.enter(open);
                } else {
                    self.phase = Phase::Closed { failures: failures + 1 };
                }
            }
            (Phase::Trying { good, .. }, Outcome::Good) => {
                if good + 1 >= self.options.trials {
                    self.enter(Phase::Closed { failures: 0 });
                } else {
                    self.phase = Phase::Trying { good: good + 1, under_way: false };
                }
            }
            (Phase::Trying { .. }, Outcome::Bad) => self.enter(open),
            (Phase::Open { .. }, _) => {}
        }
    }

    const fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.stretch += 1;
    }
}

/// A circuit breaker around one outside dependency. Clones share it.
///
/// ```
/// use bottega_actor::{Circuit, CircuitError, CircuitOptions};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let circuit = Circuit::new(CircuitOptions { failures: 1, ..CircuitOptions::default() });
/// let refused = circuit.call(async || Err::<(), _>("refused")).await;
/// assert_eq!(refused, Err(CircuitError::Failed("refused")));
/// let not_asked = circuit.call(async || Ok::<_, &str>(())).await;
/// assert!(matches!(not_asked, Err(CircuitError::Open { .. })));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Circuit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    judge: Mutex<Judge>,
    origin: Instant,
}

impl Inner {
    /// Each change is one step, so a poisoned lock still guards whole data.
    fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. One that is dropped, by a panic or by who waited for it, has failed.
struct UnderWay<'a> {
    inner: &'a Inner,
    stretch: u64,
    outcome: Outcome,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.inner.judge().learn(self.inner.origin.elapsed(), self.stretch, self.outcome);
    }
}

impl Circuit {
    /// A closed one.
    #[must_use]
    pub fn new(options: CircuitOptions) -> Self {
        let judge = Mutex::new(Judge::new(options));
        Self(Arc::new(Inner { judge, origin: Instant::now() }))
    }

    /// Makes the call, unless the circuit is open. It has no deadline of its own; dropping the future counts as a failure.
    pub async fn call<T, E>(
        &self,
        call: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<T, CircuitError<E>> {
        let admitted = self.0.judge().admit(self.0.origin.elapsed());
        let stretch = admitted.map_err(|again| CircuitError::Open { again })?;
        let mut under_way = UnderWay { inner: &self.0, stretch, outcome: Outcome::Bad };
        let result = call().await.map_err(CircuitError::Failed);
        if result.is_ok() {
            under_way.outcome = Outcome::Good;
        }
        result
    }

    /// What it lets through at this moment.
    #[must_use]
    pub fn state(&self) -> CircuitState {
        match self.0.judge().phase {
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::Open { until } if until <= self.0.origin.elapsed() => CircuitState::Trying,
            Phase::Open { .. } => CircuitState::Open,
            Phase::Trying { .. } => CircuitState::Trying,
        }
    }
}

#[cfg(test)]
mod tests;
