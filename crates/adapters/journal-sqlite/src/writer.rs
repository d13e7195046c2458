//! The thread that writes: it gathers what waits into one transaction and syncs once for all of it.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bottega_event::{Position, Revision, StreamId};
use bottega_store::{Head, StoreError};
use rusqlite::Connection;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use crate::refusal::{contradiction, translate, translate_io};
use crate::signal::Signal;
use crate::turn::Turn;
use crate::{journal, schema};

/// The most jobs and the most bytes that share one transaction.
const GROUP: (usize, usize) = (512, 8 << 20);

/// How long the writer stays awake after a group.
const LINGER: Duration = Duration::from_micros(60);

/// Pages of the log (4 KiB each) from which on it is copied into the file.
const CHECKPOINT: i32 = 1000;

/// What a job sees while its transaction is open.
#[derive(Debug)]
pub(crate) struct Unit<'w> {
    pub(crate) connection: &'w Connection,
    pub(crate) tip: &'w mut Tip,
}

/// What the writer knows about the end of the journal. It holds until another connection commits or a
/// transaction is taken back.
#[derive(Debug, Default)]
pub(crate) struct Tip {
    known: Option<(i64, Head)>,
    stored: Position,
    pub(crate) streams: HashMap<StreamId, (i64, Revision)>,
}

/// Streams whose places are remembered; then all are forgotten and looked up anew.
const REMEMBERED: usize = 4096;

impl Tip {
    /// The end of the journal, as the transaction sees it.
    pub(crate) fn head(&self) -> Head {
        self.known.map_or(Head::EMPTY, |(_, head)| head)
    }

    pub(crate) fn move_to(&mut self, head: Head) {
        self.known = self.known.map(|(version, _)| (version, head));
    }

    /// Looks again where the journal ends, if anybody else has written since.
    fn refresh(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let fail = |error: rusqlite::Error| translate(&error, self.stored);
        let mut sql = connection.prepare_cached("PRAGMA data_version").map_err(fail)?;
        let version: i64 = sql.query_row([], |row| row.get(0)).map_err(fail)?;
        if self.known.is_some_and(|(known, _)| known == version) {
            return Ok(());
        }
        let format = schema::format_of(connection)?;
        if format != schema::FORMAT {
            let text =
                format!("the journal was brought to format {format} meanwhile; open it again");
            return Err(StoreError::Failed(text));
        }
        let (head, last) = journal::ends(connection)?;
        if head != last {
            return Err(contradiction(
                last.position,
                "the journal does not end where its head says",
            ));
        }
        self.streams.clear();
        (self.known, self.stored) = (Some((version, head)), head.position);
        Ok(())
    }

    fn forget(&mut self) {
        self.known = None;
        self.streams.clear();
    }
}

/// One piece of work for the writer.
trait Job: Send {
    /// About how many bytes it writes.
    fn weight(&self) -> usize;

    /// Does the work. A refusal is kept for the answer; an error takes the transaction back.
    fn run(&mut self, unit: &mut Unit<'_>) -> Result<(), StoreError>;

    /// Tells the caller, after the transaction was committed or could not be.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Task<T, E, F> {
    weight: usize,
    work: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Task<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnMut(&mut Unit<'_>) -> Result<Result<T, E>, StoreError> + Send,
{
    fn weight(&self) -> usize {
        self.weight
    }

    fn run(&mut self, unit: &mut Unit<'_>) -> Result<(), StoreError> {
        self.result = Some((self.work)(unit)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let result = match outcome {
            Ok(()) => self.result.unwrap_or_else(|| Err(StoreError::Closing.into())),
            Err(error) => Err(error.into()),
        };
        // Who no longer waits gave the answer up.
        let _unheard = self.reply.send(result);
    }
}

/// The way to the writer. When it is dropped the writer ends what it has and stops.
#[derive(Debug)]
pub(crate) struct WriterHandle {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterHandle {
    /// Hands work in and waits until it is durable. `weight` is about how many bytes it writes.
    ///
    /// `work` runs once or, after a failure of its group, twice. Its inner result is a refusal: it must
    /// have written nothing then. Dropping the future leaves all of the work or none of it.
    pub(crate) async fn write<T, E, F>(&self, weight: usize, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Unit<'_>) -> Result<Result<T, E>, StoreError> + Send + 'static,
    {
        let queue = self.queue.as_ref().ok_or(StoreError::Closing)?;
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Task { weight, work, result: None, reply });
        queue.send(job).await.map_err(|_| StoreError::Closing)?;
        answer.await.map_err(|_| StoreError::Closing)?
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported by its hook, and every caller has its answer.
            let _ended = thread.join();
        }
    }
}

/// The writer itself; it lives on its thread.
pub(crate) struct Writer {
    connection: Connection,
    turn: Turn,
    bell: File,
    signal: Arc<Signal>,
    tip: Tip,
    /// Pages in the log after the last commit.
    log: Arc<AtomicI32>,
    /// Pages in the log at which the next checkpoint is tried.
    checkpoint_at: i32,
    inbox: mpsc::Receiver<Box<dyn Job>>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(
        mut connection: Connection,
        turn: Turn,
        bell: File,
        signal: Arc<Signal>,
        queue: usize,
    ) -> Result<WriterHandle, StoreError> {
        let log = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&log);
        // This also turns SQLite's own checkpoints off, which would run before the answers.
        connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                seen.store(pages, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(|error| translate(&error, Position(1)))?;
        let (sender, inbox) = mpsc::channel(queue.max(1));
        let (tip, checkpoint_at) = (Tip::default(), CHECKPOINT);
        let writer = Self { connection, turn, bell, signal, tip, log, checkpoint_at, inbox };
        let thread = std::thread::Builder::new()
            .name("journal-writer".into())
            .spawn(move || writer.serve())
            .map_err(|error| translate_io(&error, "starting the journal's writer"))?;
        Ok(WriterHandle { queue: Some(sender), thread: Some(thread) })
    }

    fn serve(mut self) {
        while let Some(first) = self.next() {
            let mut group = vec![first];
            self.gather(&mut group);
            match self.commit(&mut group, Gather::More) {
                Ok(()) => group.into_iter().for_each(|job| job.answer(Ok(()))),
                Err(error) => self.one_by_one(group, &error),
            }
            self.checkpoint();
        }
    }

    /// The next job; nothing when every handle is gone.
    fn next(&mut self) -> Option<Box<dyn Job>> {
        // Who was just answered often has the next job ready before this thread could fall asleep and be
        // woken, which costs as much as a small commit.
        let began = Instant::now();
        while began.elapsed() < LINGER {
            match self.inbox.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        self.inbox.blocking_recv()
    }

    /// After a group failed: each job alone, so that one that can't be done does not take others along.
    fn one_by_one(&mut self, group: Vec<Box<dyn Job>>, error: &StoreError) {
        // Waiting again for a turn that did not come would only add up, and one job has been alone.
        if group.len() == 1 || matches!(error, StoreError::Busy(_)) {
            return group.into_iter().for_each(|job| job.answer(Err(error.clone())));
        }
        for job in group {
            let mut alone = vec![job];
            let outcome = self.commit(&mut alone, Gather::NoMore);
            alone.into_iter().for_each(|job| job.answer(outcome.clone()));
        }
    }

    /// Takes what waits in the queue, as long as the group has room.
    fn gather(&mut self, group: &mut Vec<Box<dyn Job>>) {
        let mut weight: usize = group.iter().map(|job| job.weight()).sum();
        while group.len() < GROUP.0 && weight < GROUP.1 {
            let Ok(job) = self.inbox.try_recv() else { return };
            weight += job.weight();
            group.push(job);
        }
    }

    fn commit(&mut self, group: &mut Vec<Box<dyn Job>>, gather: Gather) -> Result<(), StoreError> {
        self.turn.begin(&self.connection)?;
        let outcome = self.fill(group, gather);
        match outcome {
            Ok(()) => self.announce(),
            Err(_) => self.take_back(),
        }
        outcome
    }

    fn take_back(&mut self) {
        self.tip.forget();
        if !self.connection.is_autocommit() {
            // What made the work fail is the better error, and the next `BEGIN` tells if this failed.
            let _rolled_back = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn fill(&mut self, group: &mut Vec<Box<dyn Job>>, gather: Gather) -> Result<(), StoreError> {
        self.tip.refresh(&self.connection)?;
        let before = self.tip.head().position;
        let mut done = 0;
        while done < group.len() {
            if self.tip.streams.len() > REMEMBERED {
                self.tip.streams.clear();
            }
            group[done].run(&mut Unit { connection: &self.connection, tip: &mut self.tip })?;
            done += 1;
            if done == group.len() && gather == Gather::More {
                self.gather(group);
            }
        }
        let head = self.tip.head();
        if head.position > before {
            journal::store_head(&self.connection, head)?;
        }
        let commit = self.connection.prepare_cached("COMMIT").and_then(|mut sql| sql.execute([]));
        commit.map(drop).map_err(|error| translate(&error, Position(before.0 + 1)))
    }

    /// Rings if the journal has grown through this writer.
    fn announce(&mut self) {
        let reached = self.tip.head().position;
        if reached > self.tip.stored {
            self.tip.stored = reached;
            self.signal.announce(reached, &self.bell);
        }
    }

    /// Copies the log into the file when it has grown enough, after everybody has their answers.
    fn checkpoint(&mut self) {
        let pages = self.log.load(Ordering::Relaxed);
        if pages < self.checkpoint_at {
            return;
        }
        // Readers of older states may keep a part of it from being copied, and a full disk all of it:
        // then the log grows on, and it is tried again when it has grown as much once more.
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        let copied = self
            .connection
            .query_row(sql, [], |row| Ok(row.get::<_, i32>(1)? == row.get::<_, i32>(2)?));
        self.checkpoint_at = if copied == Ok(true) { CHECKPOINT } else { pages + CHECKPOINT };
    }
}

/// Whether a group may still grow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gather {
    More,
    NoMore,
}
