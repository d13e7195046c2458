//! Models that failed again and again, which are left alone for a while where a route has another.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bottega_actor::{Circuit, CircuitError, CircuitOptions, CircuitState};
use bottega_llm::{ErrorKind, ModelRef};

use crate::attempt::{Answered, Broken};

/// Five failures in a row by whomever it was asked, then half a minute of rest, then one call to see.
const OPTIONS: CircuitOptions =
    CircuitOptions { failures: 5, rest: Duration::from_secs(30), trials: 1 };

/// A circuit breaker for each model that was asked.
///
/// It never closes the last way: a route's last model is asked however it fared, with the pauses of [`Retries`](crate::Retries).
#[derive(Debug, Default)]
pub(crate) struct Circuits(Mutex<BTreeMap<ModelRef, Circuit>>);

impl Circuits {
    fn of(&self, model: &ModelRef) -> Circuit {
        // Every change under this lock is one step, so a poisoned one still guards whole data.
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match circuits.get(model) {
            Some(circuit) => circuit.clone(),
            None => circuits.entry(model.clone()).or_insert(Circuit::new(OPTIONS)).clone(),
        }
    }

    /// Whether a model is better left alone now.
    pub(crate) fn rests(&self, model: &ModelRef) -> bool {
        self.of(model).state() == CircuitState::Open
    }

    /// Makes an attempt, and learns from how it ends.
    pub(crate) async fn learn(
        &self,
        model: &ModelRef,
        attempt: impl Future<Output = Result<Answered, Broken>> + Send,
    ) -> Result<Answered, Broken> {
        let mut attempt = std::pin::pin!(attempt);
        let asked = async || match attempt.as_mut().await {
            Err(broken) if is_down(broken.error.kind) => Err(broken),
            ended => Ok(ended),
        };
        match self.of(model).call(asked).await {
            Ok(ended) => ended,
            Err(CircuitError::Failed(broken)) => Err(broken),
            // It rests, or another call tries it, and there is nobody else to ask.
            Err(CircuitError::Open { .. }) => attempt.await,
        }
    }
}

/// Whether a failure says that the model or the way to it is down, and not that this request was wrong.
const fn is_down(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::RateLimited
        | ErrorKind::Overloaded
        | ErrorKind::Timeout
        | ErrorKind::Network
        | ErrorKind::CutOff => true,
        ErrorKind::Authentication
        | ErrorKind::Permission
        | ErrorKind::NotFound
        | ErrorKind::InvalidRequest
        | ErrorKind::ContextOverflow
        | ErrorKind::QuotaExhausted
        | ErrorKind::Unsupported
        | ErrorKind::Garbled
        | ErrorKind::Budget
        | ErrorKind::Internal => false,
    }
}
