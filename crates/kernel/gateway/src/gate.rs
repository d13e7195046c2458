//! The gate before a provider: so many calls at the same time, so many requests a minute.

use bottega_llm::{ErrorKind, ModelError};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

use crate::ask::{GatewayEvent, WaitReason};
use crate::options::Provider;
use crate::pace::Pace;

/// The gate before a provider.
#[derive(Debug)]
pub(crate) struct Gate {
    calls: Semaphore,
    /// Held while a request waits for its moment, so that requests leave in the order in which they came.
    pace: Option<Mutex<Pace>>,
    opened: Instant,
}

impl Gate {
    pub(crate) fn new(provider: &Provider) -> Self {
        let calls = provider.max_concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            calls: Semaphore::new(calls),
            pace: provider
                .requests_per_minute
                .map(|requests| Mutex::new(Pace::per_minute(requests))),
            opened: Instant::now(),
        }
    }

    /// Waits until a request may be sent, but not past `until`. The call holds what it returns to its end.
    pub(crate) async fn enter(
        &self,
        until: Instant,
        on: &(dyn Fn(GatewayEvent) + Send + Sync),
    ) -> Result<SemaphorePermit<'_>, ModelError> {
        let place = match self.calls.try_acquire() {
            Ok(place) => place,
            Err(_) => {
                let at_most = until.saturating_duration_since(Instant::now());
                on(GatewayEvent::Waiting { reason: WaitReason::Queue, at_most });
                let acquired = timeout_at(until, self.calls.acquire()).await;
                acquired.map_err(|_| late("no place came free"))?.map_err(|_| late("it closed"))?
            }
        };
        if let Some(pace) = &self.pace {
            let mut pace =
                timeout_at(until, pace.lock()).await.map_err(|_| late("others wait too"))?;
            while let Err(wait) = pace.admit(self.opened.elapsed()) {
                if Instant::now() + wait >= until {
                    return Err(late("its requests per minute are used up"));
                }
                on(GatewayEvent::Waiting { reason: WaitReason::RequestRate, at_most: wait });
                sleep(wait).await;
            }
        }
        // A place that came free at the last moment is of no use.
        if Instant::now() >= until {
            return Err(late("no place came free"));
        }
        Ok(place)
    }
}

fn late(why: &str) -> ModelError {
    let message = format!("the call waited for the provider until its deadline: {why}");
    ModelError::new(ErrorKind::Timeout, message)
}
