//! Keeps the shared budgets, in a stream of the journal that every process on the machine writes to.

use std::sync::{Arc, Mutex, PoisonError};

use bottega_event::{BudgetEvent, NewEvent, Reserved, Revision, Settled, StreamId, Undecodable};
use bottega_llm::{ErrorKind, ModelError};
use bottega_policy::Spent;
use bottega_store::{Append, AppendError, Batch, Expected, Journal, StoreError};
use bottega_types::{CallId, Clock, CommandId, Day, Entropy, SessionId};

use crate::account::Account;
use crate::spending::{Budgets, NotCovered, Spending};

/// How many records are read at once.
const PAGE: usize = 512;
/// How often another process may write to the stream between our reading and our writing before we give up.
/// Each time it does, somebody made progress.
const COLLISIONS: u32 = 1_000;

/// Keeps the shared budgets. With nothing to keep it writes nothing.
pub(crate) struct Treasury {
    budgets: Budgets,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Held from reading the stream to writing to it, so that one process does not collide with itself.
    ledger: tokio::sync::Mutex<Ledger>,
    /// Calls that were dropped before they could be settled. The next promise settles them.
    dropped: Mutex<Vec<Settlement>>,
}

/// What is known of one day's stream.
#[derive(Default)]
struct Ledger {
    day: Option<Day>,
    revision: Revision,
    spending: Spending,
}

/// The end of a promise. Writing it twice is harmless, since its command is fixed.
#[derive(Clone, Copy, Debug)]
struct Settlement {
    day: Day,
    command: CommandId,
    settled: Settled,
}

/// Who asks for a promise, and for how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) call: CallId,
    pub(crate) session: SessionId,
    pub(crate) agent: &'a str,
    pub(crate) worst: Spent,
}

/// Why nothing was promised.
#[derive(Debug, thiserror::Error)]
enum NoPromise {
    #[error(transparent)]
    NotCovered(#[from] NotCovered),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Append(AppendError),
    #[error("the day's spending can't be read: {0}")]
    Undecodable(#[from] Undecodable),
    #[error("the day's spending is written by too many processes at once; try again")]
    Crowded,
}

impl From<NoPromise> for ModelError {
    fn from(reason: NoPromise) -> Self {
        let kind = match &reason {
            NoPromise::NotCovered(_) => ErrorKind::Budget,
            // Money that can't be counted is not spent.
            NoPromise::Store(_)
            | NoPromise::Append(_)
            | NoPromise::Undecodable(_)
            | NoPromise::Crowded => ErrorKind::Internal,
        };
        Self::new(kind, reason.to_string())
    }
}

impl Treasury {
    pub(crate) fn new(
        budgets: Budgets,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            budgets,
            journal,
            clock,
            entropy,
            ledger: tokio::sync::Mutex::default(),
            dropped: Mutex::default(),
        }
    }

    /// Promises a call its worst case, when the shared budgets cover it.
    pub(crate) async fn promise(self: &Arc<Self>, claim: Claim<'_>) -> Result<Promise, ModelError> {
        let mut promise = Promise { account: Account::new(claim.worst), open: None };
        if !self.budgets.limit_nothing() {
            self.settle_dropped().await;
            let stored = self.reserve(claim, &mut promise).await;
            if let Err(reason) = stored {
                // Whatever the store said, an append that failed has stored nothing or everything; what it
                // may have stored is settled with the next promise.
                if matches!(reason, NoPromise::NotCovered(_) | NoPromise::Crowded) {
                    promise.open = None;
                }
                return Err(reason.into());
            }
        }
        Ok(promise)
    }

    async fn reserve(
        self: &Arc<Self>,
        claim: Claim<'_>,
        promise: &mut Promise,
    ) -> Result<(), NoPromise> {
        let command = CommandId::new(self.clock.now(), &*self.entropy);
        let mut ledger = self.ledger.lock().await;
        let day = self.clock.now().day();
        if ledger.day != Some(day) {
            *ledger = Ledger { day: Some(day), ..Ledger::default() };
        }
        let event = BudgetEvent::Reserved(Reserved {
            call: claim.call,
            session: claim.session,
            agent: claim.agent.to_owned(),
            worst: claim.worst,
        });
        for _ in 0..COLLISIONS {
            self.catch_up(&mut ledger, day).await?;
            ledger.spending.covers(&self.budgets, claim.agent, claim.worst)?;
            // From here on the promise may be stored, even if this future is dropped.
            promise.open = Some(Open {
                treasury: Arc::clone(self),
                day,
                command: command.nth(1),
                call: claim.call,
            });
            let expected = Expected::At(ledger.revision);
            match self.append(day, command, expected, event.encode()).await {
                Ok(()) => return Ok(()),
                Err(AppendError::Moved { .. }) => {}
                Err(reason @ (AppendError::Malformed(_) | AppendError::Store(_))) => {
                    return Err(NoPromise::Append(reason));
                }
            }
        }
        Err(NoPromise::Crowded)
    }

    /// Reads what the day's stream got since we last looked.
    async fn catch_up(&self, ledger: &mut Ledger, day: Day) -> Result<(), NoPromise> {
        let stream = StreamId::spending(day);
        loop {
            let records = self.journal.read_stream(&stream, ledger.revision, PAGE).await?;
            for record in &records {
                ledger.spending.evolve(BudgetEvent::decode(&record.event)?);
                ledger.revision = record.revision;
            }
            if records.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn append(
        &self,
        day: Day,
        command: CommandId,
        expected: Expected,
        event: NewEvent,
    ) -> Result<(), AppendError> {
        let batch = Batch { stream: StreamId::spending(day), expected, events: vec![event] };
        let append = Append { command, at: self.clock.now(), batches: vec![batch] };
        self.journal.append(append).await.map(|_| ())
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), AppendError> {
        let event = BudgetEvent::Settled(settlement.settled).encode();
        self.append(settlement.day, settlement.command, Expected::Any, event).await
    }

    /// Settles calls whose futures were dropped, each at the most it may have cost.
    pub(crate) async fn settle_dropped(&self) {
        loop {
            // Taken out only after it was written: this future may be dropped too.
            let Some(settlement) = self.dropped().last().copied() else { return };
            if let Err(reason) = self.settle(settlement).await {
                tracing::warn!(call = %settlement.settled.call, %reason, "spending not settled yet");
                return;
            }
            self.dropped().retain(|other| other.command != settlement.command);
        }
    }

    fn dropped(&self) -> std::sync::MutexGuard<'_, Vec<Settlement>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call was promised. Dropped without being settled, it is settled later at the most that the call may
/// have cost.
pub(crate) struct Promise {
    pub(crate) account: Account,
    open: Option<Open>,
}

/// A promise in the journal that is not settled.
struct Open {
    treasury: Arc<Treasury>,
    day: Day,
    command: CommandId,
    call: CallId,
}

impl Promise {
    /// Ends the call at what it cost, or may have cost at most. Returns that.
    pub(crate) async fn settle(mut self) -> Spent {
        let cost = self.account.exposure();
        if let Some(settlement) = self.settlement() {
            let treasury = self.open.as_ref().map(|open| Arc::clone(&open.treasury));
            if let Some(treasury) = treasury {
                match treasury.settle(settlement).await {
                    Ok(()) => self.open = None,
                    // Still open: dropping it leaves it to the next promise.
                    Err(reason) => tracing::warn!(
                        call = %settlement.settled.call, %reason, "spending not settled yet"
                    ),
                }
            }
        }
        cost
    }

    fn settlement(&self) -> Option<Settlement> {
        self.open.as_ref().map(|open| Settlement {
            day: open.day,
            command: open.command,
            settled: Settled { call: open.call, cost: self.account.exposure() },
        })
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let (Some(settlement), Some(open)) = (self.settlement(), &self.open) {
            open.treasury.dropped().push(settlement);
        }
    }
}

#[cfg(test)]
mod tests;
