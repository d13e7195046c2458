//! Agents that live outside: they take their messages one by one, and say when each is dealt with.
//!
//! To the agency they are residents like others. One message is on the counter at a time; it stays there, whoever comes and
//! goes, until it is acknowledged by its number. So a client that lost its connection loses nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bottega_acl::Message;
use bottega_behaviour::{Guest, Letter, Office, Resident, Trouble};
use bottega_manifest::{Host, Manifest};
use bottega_types::{MessageId, Timestamp};
use tokio::sync::Notify;

/// Where an agent that lives outside fetches its messages.
#[derive(Debug)]
pub struct Counter {
    on: Mutex<On>,
    /// Something was put on it, or taken away.
    changed: Notify,
}

#[derive(Debug)]
struct On {
    message: Option<Waiting>,
    /// How many were put on it.
    count: u64,
}

/// A message that waits to be fetched and acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number, by which it is acknowledged.
    pub number: u64,
    /// Its name, by which a repeat is known; nothing for a transient one.
    pub id: Option<MessageId>,
    /// The message.
    pub message: Message,
}

impl Counter {
    /// An empty one. Its numbers begin above those of earlier processes, so that none of theirs acknowledges a message
    /// that nobody saw: a thousand for each millisecond of the time, which a number of JSON still holds.
    #[must_use]
    pub fn begun(now: Timestamp) -> Self {
        let on = On { message: None, count: now.as_millis().saturating_mul(1_000) };
        Self { on: Mutex::new(on), changed: Notify::new() }
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn on(&self) -> MutexGuard<'_, On> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message that is next; waits until there is one.
    pub async fn next(&self) -> Waiting {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that what comes in between is not missed.
            changed.as_mut().enable();
            if let Some(waiting) = self.on().message.clone() {
                return waiting;
            }
            changed.await;
        }
    }

    /// A message was dealt with. False when it is not the one that waits: it was acknowledged before, or taken back.
    pub fn acknowledge(&self, number: u64) -> bool {
        let mut on = self.on();
        let waits = on.message.as_ref().is_some_and(|waiting| waiting.number == number);
        if waits {
            on.message = None;
            drop(on);
            self.changed.notify_waiters();
        }
        waits
    }

    fn put(&self, id: Option<MessageId>, message: Message) -> u64 {
        let mut on = self.on();
        on.count += 1;
        let number = on.count;
        on.message = Some(Waiting { number, id, message });
        drop(on);
        self.changed.notify_waiters();
        number
    }

    async fn gone(&self, number: u64) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.on().message.as_ref().is_none_or(|waiting| waiting.number != number) {
                return;
            }
            changed.await;
        }
    }
}

/// Takes a message back that nobody acknowledged, when its agent is stopped.
struct TakeBack<'c>(&'c Counter, u64);

impl Drop for TakeBack<'_> {
    fn drop(&mut self) {
        self.0.acknowledge(self.1);
    }
}

/// An agent that lives in a process of its own.
pub(crate) struct OutsideGuest {
    pub(crate) manifest: Manifest,
    pub(crate) counter: Arc<Counter>,
}

impl Guest for OutsideGuest {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn resident(&self, _: Arc<dyn Host>, _: &Path, _: &str) -> Box<dyn Resident> {
        Box::new(Outsider(Arc::clone(&self.counter)))
    }
}

/// An agent that lives outside, as the agency sees it.
struct Outsider(Arc<Counter>);

#[async_trait]
impl Resident for Outsider {
    async fn hear(&mut self, letter: &Letter, _: &dyn Office) -> Result<(), Trouble> {
        let Self(counter) = self;
        let number = counter.put(letter.id, letter.message.clone());
        let _held = TakeBack(counter, number);
        counter.gone(number).await;
        Ok(())
    }
}
