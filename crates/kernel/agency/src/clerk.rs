//! Stores what was handled, for all agents at once: one sync of the disk covers whatever is done by then.

use std::sync::Arc;
use std::time::Duration;

use bottega_event::{Death, MailDied, MailEvent, MailHandled, NewEvent};
use bottega_store::{Append, Batch, Expected, Journal};
use bottega_types::{Clock, CommandId, Entropy};
use tokio::sync::{Mutex, mpsc};

use crate::mailroom::{Done, GivenUp, Mailroom};

/// Mailrooms that may have called. Each calls once until it was heard, so this bounds agents, not messages.
pub(crate) const CALLS: usize = 65_536;
/// Mailrooms whose work is stored in one append.
const TOGETHER: usize = 256;
/// So many mailrooms that called at once are a crowd.
const CROWD: usize = 32;
/// From one append to the next while there is a crowd. What is handled meanwhile shares it, so that busy agents cost the
/// store a fraction of a record for each message. A killed process hands over again what was handled in as long a time,
/// which delivery at least once allows; without a crowd nothing waits.
const PACE: Duration = Duration::from_millis(20);
/// Between two attempts at a store that fails.
const REST: Duration = Duration::from_secs(1);

/// What the clerk works with.
pub(crate) struct Clerk {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Held while something is stored: who has it next knows that what was taken before is stored.
    pub(crate) turn: Arc<Mutex<()>>,
}

impl Clerk {
    /// Works until nobody can call any more.
    pub(crate) async fn work(self, mut calls: mpsc::Receiver<Arc<Mailroom>>) {
        let mut called = Vec::with_capacity(TOGETHER);
        while calls.recv_many(&mut called, TOGETHER).await > 0 {
            while !self.store(&called).await {
                bottega_actor::sleep(REST).await;
            }
            if called.len() >= CROWD {
                bottega_actor::sleep(PACE).await;
            }
            called.clear();
        }
    }

    /// Stores what these have done; false when it has to be tried again. What is not stored is handed over again after a
    /// restart, which delivery at least once allows.
    pub(crate) async fn store(&self, mailrooms: &[Arc<Mailroom>]) -> bool {
        let _turn = self.turn.lock().await;
        let mut taken: Vec<Taken<'_>> = Vec::with_capacity(mailrooms.len());
        for mailroom in mailrooms {
            let (done, given_up) = (mailroom.take_done(), mailroom.take_given_up());
            if !done.is_empty() || !given_up.is_empty() {
                taken.push(Taken { mailroom, done, given_up });
            }
        }
        if taken.is_empty() {
            return true;
        }
        let batches = taken.iter().map(|taken| Batch {
            stream: taken.mailroom.stream.clone(),
            expected: Expected::Any,
            events: taken.events(),
        });
        let at = self.clock.now();
        let command = CommandId::new(at, self.entropy.as_ref());
        let append = Append { command, at, batches: batches.collect() };
        let Err(error) = self.journal.append(append).await else { return true };
        tracing::warn!(%error, "what agents handled could not be stored; trying again");
        taken.into_iter().for_each(|Taken { mailroom, done, given_up }| {
            mailroom.put_back(done, given_up);
        });
        false
    }
}

/// What one agent has done, to be stored.
struct Taken<'m> {
    mailroom: &'m Arc<Mailroom>,
    done: Vec<Done>,
    given_up: Vec<GivenUp>,
}

impl Taken<'_> {
    fn events(&self) -> Vec<NewEvent> {
        let died = self.given_up.iter().map(|(id, words)| {
            let (id, words) = (*id, words.clone());
            MailEvent::from(MailDied { id, cause: Death::Poison, words }).encode()
        });
        let handled = (!self.done.is_empty()).then(|| {
            let ids = self.done.iter().map(|(id, _)| *id).collect();
            let steps = self.done.iter().filter_map(|(_, step)| *step).collect();
            MailEvent::from(MailHandled { ids, steps }).encode()
        });
        handled.into_iter().chain(died).collect()
    }
}
