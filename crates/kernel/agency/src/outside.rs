//! Agents that live outside: they take their messages one by one, and say when each is dealt with.
//!
//! To the agency they are residents like others. One message is on the counter at a time; it stays there, whoever comes and
//! goes, until it is acknowledged by its number. So a client that lost its connection loses nothing. Where the agent has a
//! webhook, a courier takes what is on the counter there.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bottega_acl::Message;
use bottega_behaviour::{Guest, Letter, Office, Resident, Trouble};
use bottega_manifest::{Host, Manifest};
use bottega_telemetry::here;
use bottega_types::{MessageId, Timestamp, TraceContext};
use tokio::sync::Notify;

use crate::webhook::Courier;

/// Where an agent that lives outside fetches its messages.
#[derive(Debug)]
pub struct Counter {
    on: Mutex<On>,
    /// Who takes to the agent what is on it, if it has a webhook.
    courier: Mutex<Option<Arc<Courier>>>,
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
    /// What caused it, where that is known.
    pub trace: Option<TraceContext>,
}

impl Counter {
    /// An empty one. Its numbers begin above those of earlier processes, so that none of theirs acknowledges a message
    /// that nobody saw: a thousand for each millisecond of the time, which a number of JSON still holds.
    #[must_use]
    pub fn begun(now: Timestamp) -> Self {
        let on = On { message: None, count: now.as_millis().saturating_mul(1_000) };
        Self { on: Mutex::new(on), courier: Mutex::default(), changed: Notify::new() }
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn on(&self) -> MutexGuard<'_, On> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has another courier, or none; what is under way goes with that one from now on. Gives back the one before.
    pub(crate) fn serve(&self, courier: Option<Arc<Courier>>) -> Option<Arc<Courier>> {
        let mut served = self.courier.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *served, courier);
        drop(served);
        self.changed.notify_waiters();
        before
    }

    fn courier(&self) -> Option<Arc<Courier>> {
        self.courier.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// The number of the last message that was put on it.
    pub fn handed(&self) -> u64 {
        self.on().count
    }

    fn put(&self, id: Option<MessageId>, message: Message) -> Waiting {
        let mut on = self.on();
        on.count += 1;
        let trace = here().map(|trail| trail.context().clone());
        let waiting = Waiting { number: on.count, id, message, trace };
        on.message = Some(waiting.clone());
        drop(on);
        self.changed.notify_waiters();
        waiting
    }

    /// Returns when `happened` is true, and looks again whenever something changed.
    async fn until(&self, happened: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if happened(self) {
                return;
            }
            changed.await;
        }
    }

    /// Returns when a message was acknowledged, by whoever fetched it or whoever brought it.
    async fn done(&self, waiting: &Waiting) {
        let gone = self.until(|counter| {
            let on = counter.on();
            on.message.as_ref().is_none_or(|other| other.number != waiting.number)
        });
        tokio::pin!(gone);
        loop {
            let courier = self.courier();
            let replaced = self.until(|counter| match (counter.courier(), &courier) {
                (None, None) => false,
                (Some(now), Some(then)) => !Arc::ptr_eq(&now, then),
                (Some(_), None) | (None, Some(_)) => true,
            });
            let brought = async {
                match &courier {
                    Some(courier) => courier.bring(waiting).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut gone => return,
                () = brought => return,
                () = replaced => {}
            }
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
        let waiting = counter.put(letter.id, letter.message.clone());
        let _held = TakeBack(counter, waiting.number);
        counter.done(&waiting).await;
        Ok(())
    }
}
