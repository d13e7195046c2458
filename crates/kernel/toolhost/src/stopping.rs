//! Stopping the tools that are at work, so that they can still say what they changed.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bottega_types::CallId;
use tokio::sync::watch;

/// The calls whose tools are at work, and how often they were all stopped.
#[derive(Debug)]
pub(crate) struct Stopping {
    stops: watch::Sender<u64>,
    at_work: Mutex<BTreeSet<CallId>>,
}

impl Default for Stopping {
    fn default() -> Self {
        Self { stops: watch::Sender::new(0), at_work: Mutex::default() }
    }
}

/// A call whose tool is at work. Dropping it ends its work.
pub(crate) struct AtWork<'s> {
    stopping: &'s Stopping,
    call: CallId,
    stops: watch::Receiver<u64>,
}

impl Stopping {
    /// The tool of a call begins its work.
    pub(crate) fn begin(&self, call: CallId) -> AtWork<'_> {
        self.calls().insert(call);
        AtWork { stopping: self, call, stops: self.stops.subscribe() }
    }

    pub(crate) fn stop(&self) {
        self.stops.send_modify(|count| *count += 1);
    }

    pub(crate) fn at_work(&self) -> BTreeSet<CallId> {
        self.calls().clone()
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn calls(&self) -> MutexGuard<'_, BTreeSet<CallId>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtWork<'_> {
    /// Waits until it is told to stop. What was told before it began is not meant for it.
    pub(crate) async fn stopped(&mut self) {
        if self.stops.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.stopping.calls().remove(&self.call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_at_work_is_stopped_and_who_begins_later_is_not() {
        let stopping = Stopping::default();
        let mut first = stopping.begin(CallId::from_bits(1));
        stopping.stop();
        let mut second = stopping.begin(CallId::from_bits(2));
        first.stopped().await;
        assert!(futures::poll!(Box::pin(second.stopped())).is_pending());
        drop(first);
        assert_eq!(stopping.at_work(), [CallId::from_bits(2)].into());
        drop(second);
        assert!(stopping.at_work().is_empty());
    }
}
