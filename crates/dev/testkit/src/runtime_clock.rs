//! The time as the runtime has it, so that a test that waits moves it.

use bottega_types::{Clock, Timestamp};
use tokio::time::Instant;

/// Begins at 1,000 s after the epoch, and goes as the runtime's clock goes: by itself, or paused by hand.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeClock(Instant);

impl RuntimeClock {
    /// One that begins now.
    #[must_use]
    pub fn begun() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000).plus(self.0.elapsed())
    }
}
