//! Steps that ended, as they are told to whoever sends them.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bottega_types::{Clock as _, SpanId, SystemClock, TraceContext};
use tokio::time::Instant;

use crate::outbox::{Open, Outbox};
use crate::step::{StepKind, Value};

/// A step that ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) context: TraceContext,
    /// The step that caused it, here or elsewhere.
    pub(crate) parent: Option<SpanId>,
    pub(crate) kind: StepKind,
    pub(crate) name: String,
    pub(crate) ended: SystemTime,
    pub(crate) took: Duration,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    /// The kind of its failure, if it failed.
    pub(crate) failed: Option<String>,
}

impl Span {
    pub(crate) fn noted(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().rev().find(|(noted, _)| *noted == name).map(|(_, value)| value)
    }
}

/// Where all steps of the process go, as there is one subscriber of its log. Empty unless there is a collector.
static OUTBOX: OnceLock<Outbox> = OnceLock::new();

/// Has every step of this process that ends from now on told to `outbox`. False when another one is told already.
pub fn send_by(outbox: Outbox) -> bool {
    OUTBOX.set(outbox).is_ok()
}

/// A step goes on, which the end of the process waits for a moment to hear of. Nothing where nobody is told.
pub(crate) fn open() -> Option<Open> {
    OUTBOX.get().map(Outbox::open)
}

/// Tells of a step, if there is somebody to tell.
pub(crate) fn tell(span: impl FnOnce() -> Span) {
    if let Some(outbox) = OUTBOX.get() {
        outbox.tell(span());
    }
}

/// How far the two clocks of a dial may be apart before it is set anew.
const APART: Duration = Duration::from_secs(1);

/// The time of day, finer than the clock tells it: the steps of one trace are shorter than its milliseconds.
#[derive(Debug)]
pub(crate) struct Dial(Mutex<(SystemTime, Instant)>);

impl Dial {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((clock(), Instant::now())))
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.read(clock(), Instant::now())
    }

    fn read(&self, clock: SystemTime, now: Instant) -> SystemTime {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, at) = *set;
        let told = then + now.saturating_duration_since(at);
        let apart = told.duration_since(clock).unwrap_or_else(|error| error.duration());
        if apart <= APART {
            return told;
        }
        *set = (clock, now);
        clock
    }
}

fn clock() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(SystemClock.now().as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_is_fine_and_follows_a_clock_that_was_set() {
        let (clock, at) = (clock(), Instant::now());
        let dial = Dial(Mutex::new((clock, at)));
        let (micros, hour) = (Duration::from_micros(250), Duration::from_secs(3_600));
        assert_eq!(dial.read(clock, at + micros), clock + micros);
        assert_eq!(dial.read(clock + hour, at + micros), clock + hour);
        assert_eq!(dial.read(clock + hour, at + micros * 2), clock + hour + micros);
        assert_eq!(dial.read(clock, at + micros * 3), clock);
    }
}
