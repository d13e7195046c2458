//! What happens to agents, written into the journal.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bottega_acl::AgentName;
use bottega_actor::{Actor, InHand, LifeEvent, Observation, Observer};
use bottega_event::{AgentCrashed, AgentEvent, AgentGaveUp, AgentStarted, NewEvent, StreamId};
use bottega_store::{Append, Batch, Expected, Journal};
use bottega_types::{CommandId, Entropy, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::inhabitant::Inhabitant;

/// Events that wait to be stored. Beyond that they are counted and not kept: an agent that crashes in a circle must not
/// hold anybody up.
pub(crate) const WAITING: usize = 4_096;
/// Events that are stored in one append.
const TOGETHER: usize = 256;
/// What the supervisor of an agent is called, before the agent's name.
pub(crate) const KEEPER: &str = "keeper of ";

/// Something to be written down.
pub(crate) struct Entry {
    pub(crate) stream: StreamId,
    pub(crate) at: Timestamp,
    pub(crate) event: NewEvent,
}

/// What the chronicler is told.
pub(crate) enum Told {
    /// To write something down.
    Happened(Entry),
    /// To answer when all that it was told before is written.
    Written(oneshot::Sender<bool>),
}

/// Hands what happens to actors to whoever writes it down.
pub(crate) struct Watcher {
    pub(crate) entries: mpsc::Sender<Told>,
    pub(crate) missed: Arc<AtomicU64>,
    pub(crate) crashes: Arc<Crashes>,
}

/// How often each agent crashed since it was begun, and the words of the last time: one that was given up is in no tree any more
/// that would tell.
#[derive(Debug, Default)]
pub(crate) struct Crashes(Mutex<BTreeMap<AgentName, (u32, String)>>);

impl Crashes {
    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn all(&self) -> MutexGuard<'_, BTreeMap<AgentName, (u32, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, name: &AgentName, words: &str) {
        let mut all = self.all();
        let (count, last) = all.entry(name.clone()).or_default();
        (*count, *last) = (count.saturating_add(1), words.to_owned());
    }

    pub(crate) fn of(&self, name: &AgentName) -> Option<(u32, String)> {
        self.all().get(name).cloned()
    }

    pub(crate) fn forget(&self, name: &AgentName) {
        self.all().remove(name);
    }
}

impl Observer for Watcher {
    fn observe(&self, observation: &Observation) {
        let Some((name, event)) = told(observation) else { return };
        if let AgentEvent::Crashed(AgentCrashed { words, .. }) = &event {
            self.crashes.note(&name, words);
        }
        let entry =
            Entry { stream: StreamId::agent(&name), at: observation.at, event: event.encode() };
        if self.entries.try_send(Told::Happened(entry)).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What is to be written of an observation. Pure.
fn told(observation: &Observation) -> Option<(AgentName, AgentEvent)> {
    let name = observation.name.as_deref()?;
    if observation.kind == Inhabitant::KIND {
        let event = match &observation.event {
            LifeEvent::Started { incarnation } => AgentStarted { incarnation: *incarnation }.into(),
            LifeEvent::Crashed { words, message, .. } => {
                let lost_message = matches!(message, InHand::Lost | InHand::GivenUp);
                AgentCrashed { words: words.clone(), lost_message }.into()
            }
            LifeEvent::Stuck { since } => {
                let words = format!("stuck for {} ms", since.as_millis());
                AgentCrashed { words, lost_message: false }.into()
            }
            LifeEvent::Restarting { .. }
            | LifeEvent::Abandoned
            | LifeEvent::GaveUp { .. }
            | LifeEvent::Stopped { .. } => return None,
        };
        return Some((name.parse().ok()?, event));
    }
    match &observation.event {
        LifeEvent::GaveUp { .. } => {
            Some((name.strip_prefix(KEEPER)?.parse().ok()?, AgentGaveUp {}.into()))
        }
        LifeEvent::Started { .. }
        | LifeEvent::Crashed { .. }
        | LifeEvent::Restarting { .. }
        | LifeEvent::Stuck { .. }
        | LifeEvent::Abandoned
        | LifeEvent::Stopped { .. } => None,
    }
}

/// Writes down what happens.
pub(crate) struct Chronicler {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Chronicler {
    /// Works until nobody can tell anything any more.
    pub(crate) async fn work(self, mut entries: mpsc::Receiver<Told>) {
        let mut told: Vec<Told> = Vec::with_capacity(TOGETHER);
        while entries.recv_many(&mut told, TOGETHER).await > 0 {
            let mut batches: Vec<Batch> = Vec::new();
            let mut waiting = Vec::new();
            let (mut latest, mut written) = (None, true);
            for one in told.drain(..) {
                let entry = match one {
                    Told::Happened(entry) => entry,
                    Told::Written(answer) => {
                        waiting.push(answer);
                        continue;
                    }
                };
                latest = latest.max(Some(entry.at));
                match batches.iter_mut().find(|batch| batch.stream == entry.stream) {
                    Some(batch) => batch.events.push(entry.event),
                    None => batches.push(Batch {
                        stream: entry.stream,
                        expected: Expected::Any,
                        events: vec![entry.event],
                    }),
                }
            }
            if let Some(at) = latest {
                let command = CommandId::new(at, self.entropy.as_ref());
                if let Err(error) = self.journal.append(Append { command, at, batches }).await {
                    tracing::warn!(%error, "what happened to agents could not be stored");
                    written = false;
                }
            }
            for answer in waiting {
                // Whoever waited may have gone.
                let _ = answer.send(written);
            }
        }
    }
}
