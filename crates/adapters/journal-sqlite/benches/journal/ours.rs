//! Our side: the store, through its ports.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bottega_event::{NewEvent, Record, StreamId};
use bottega_journal_sqlite::{Options, SqliteStore};
use bottega_store::{Append, Batch, Change, Expected, Journal, Projection, Rows, audit, catch_up};
use bottega_types::{CommandId, Seeded, Timestamp};
use tokio::task::JoinSet;

use crate::report::Times;
use crate::{Failure, WRITERS, data};

pub(crate) struct Ours {
    store: SqliteStore,
    entropy: Arc<Seeded>,
    /// Milliseconds: one per append, as with the peer.
    clock: Arc<AtomicU64>,
    event: NewEvent,
}

impl Ours {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let store = SqliteStore::open(&Options::new(path))?;
        let event = NewEvent { kind: "bench.happened".into(), version: 1, data: data().into() };
        let clock = Arc::new(AtomicU64::new(1_763_600_000_000));
        Ok(Self { store, entropy: Arc::new(Seeded::new(1)), clock, event })
    }

    /// `writers` tasks append one event after the other, each to its own stream.
    pub(crate) async fn append(
        &mut self,
        writers: usize,
        span: Duration,
    ) -> Result<Times, Failure> {
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for writer in 0..writers {
            tasks.spawn(write(self.store.clone(), self.next(writer)?, began, span));
        }
        let mut times = Times::default();
        for waits in tasks.join_all().await {
            times.waits.extend(waits?);
        }
        Ok(times.ended(began.elapsed()))
    }

    /// What makes a writer's appends, one after the other.
    fn next(&self, writer: usize) -> Result<impl Fn() -> Append + Send + 'static, Failure> {
        let stream = StreamId::new(format!("stream/{writer}"))?;
        let (event, entropy, clock) =
            (self.event.clone(), Arc::clone(&self.entropy), Arc::clone(&self.clock));
        Ok(move || {
            let at = Timestamp::from_millis(clock.fetch_add(1, Ordering::Relaxed));
            let command = CommandId::new(at, &*entropy);
            let batch = Batch {
                stream: stream.clone(),
                expected: Expected::Any,
                events: vec![event.clone()],
            };
            Append { command, at, batches: vec![batch] }
        })
    }

    /// Goes on until there are so many records.
    pub(crate) async fn fill_to(&mut self, length: u64) -> Result<(), Failure> {
        while self.store.head().await?.position.0 < length {
            self.append(WRITERS, Duration::from_millis(100)).await?;
        }
        Ok(())
    }

    /// Walks the chain; returns its length.
    pub(crate) async fn verify(&self) -> Result<u64, Failure> {
        Ok(audit::verify(&self.store, &mut |_, _| {}).await?.position.0)
    }

    /// Folds everything into a view that counts; returns how many records that were.
    pub(crate) async fn rebuild(&self) -> Result<u64, Failure> {
        Ok(catch_up(&Counts, &self.store, &self.store).await?)
    }
}

async fn write(
    store: SqliteStore,
    next: impl Fn() -> Append,
    began: Instant,
    span: Duration,
) -> Result<Vec<Duration>, Failure> {
    let mut waits = Vec::new();
    while began.elapsed() < span {
        let append = next();
        let start = Instant::now();
        store.append(append).await?;
        waits.push(start.elapsed());
    }
    Ok(waits)
}

/// Counts the events of each stream.
struct Counts;

impl Projection for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        vec![record.stream.to_string()]
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let key = record.stream.to_string();
        let before =
            rows.get(&key).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
        vec![Change { key, value: Some((before + 1).to_le_bytes().to_vec()) }]
    }
}
