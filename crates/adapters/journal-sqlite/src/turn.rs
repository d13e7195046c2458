//! Whose turn it is to write, among processes.
//!
//! SQLite lets one connection write at a time but keeps no queue: who has just committed is the quickest to
//! begin again, and the others, asleep between two attempts, may starve. So a process first takes the
//! turn (a `flock` on the bell file), keeps it while it waits for SQLite's own lock, and gives it back as
//! soon as it has begun. Who has just committed has to take the turn again and so stands behind who waits.
//! The turn is about fairness only: that one process writes at a time is SQLite's promise, and a process
//! that dies loses both.

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use bottega_event::Position;
use bottega_store::StoreError;
use rusqlite::Connection;

use crate::refusal::{is_busy, translate, translate_io};

/// The right to begin the next write transaction.
#[derive(Debug)]
pub(crate) struct Turn {
    file: File,
    patience: Duration,
}

/// The first wait between two attempts, and the longest; each is twice the one before.
const WAITS: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(4));

/// Attempts until it succeeds, fails for good (`Some`), or `patience` is over.
pub(crate) fn patiently<T>(
    patience: Duration,
    mut attempt: impl FnMut() -> Result<T, Option<StoreError>>,
) -> Result<T, StoreError> {
    let (began, mut wait) = (Instant::now(), WAITS.0);
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(Some(error)) => return Err(error),
            Err(None) if began.elapsed() >= patience => {
                let waited = patience.as_secs_f32();
                return Err(StoreError::Busy(format!(
                    "others wrote for {waited:.1} seconds; try again"
                )));
            }
            Err(None) => std::thread::sleep(wait),
        }
        wait = (wait * 2).min(WAITS.1);
    }
}

impl Turn {
    pub(crate) const fn new(file: File, patience: Duration) -> Self {
        Self { file, patience }
    }

    /// Begins a write transaction, or says that the store is busy when its turn doesn't come.
    pub(crate) fn begin(&self, connection: &Connection) -> Result<(), StoreError> {
        patiently(self.patience, || match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(None),
            Err(TryLockError::Error(error)) => {
                Err(Some(translate_io(&error, "taking the turn to write")))
            }
        })?;
        let begun = patiently(self.patience, || {
            let begun =
                connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut sql| sql.execute([]));
            begun.map_err(|error| (!is_busy(&error)).then(|| translate(&error, Position(1))))
        });
        let released = self.file.unlock();
        begun?;
        released.map_err(|error| translate_io(&error, "giving the turn to write back"))
    }
}
