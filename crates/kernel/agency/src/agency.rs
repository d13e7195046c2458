//! Agent management: who lives here, and how they are.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use bottega_acl::{AgentName, Aid, Message};
use bottega_actor::{ActorId, ActorView, Running, State, System, TaskKind, spawn};
use bottega_behaviour::{Resident, Unsent};
use bottega_event::{AgentEvent, StreamId};
use bottega_store::{Append, Batch, Expected, Journal, Projections};
use bottega_types::{Clock, CommandId, Entropy, MessageId};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::AgencyError;
use crate::admit::Bounds;
use crate::blueprint::{Delivery, HostSpec};
use crate::chronicle::{Chronicler, Crashes, Entry, KEEPER, Told, WAITING, Watcher};
use crate::clerk::{CALLS, Clerk};
use crate::desk::{Desk, Receipt};
use crate::facilitator::{self, Facilitator};
use crate::keep::Keep;
use crate::lodging::{Living, Lodging, settle};
use crate::management::{self, Registrar};
use crate::question::{Asker, is_question};
use crate::routes::Routes;

/// What an agency is made of.
pub struct Options {
    /// The platform's own name, behind the `@` of its agents.
    pub platform: String,
    /// Where what is durable is stored.
    pub journal: Arc<dyn Journal>,
    /// Views of it.
    pub views: Arc<dyn Projections>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub entropy: Arc<dyn Entropy>,
    /// The most bytes of a message's content.
    pub largest: usize,
    /// The most receivers of one message.
    pub receivers: usize,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// Hosts agents, and carries what they say to each other.
pub struct Agency {
    pub(crate) platform: String,
    pub(crate) desk: Arc<Desk>,
    pub(crate) views: Arc<dyn Projections>,
    pub(crate) facilitator: Arc<Facilitator>,
    pub(crate) system: System,
    entries: mpsc::Sender<Told>,
    missed: Arc<AtomicU64>,
    pub(crate) crashes: Arc<Crashes>,
    /// Held for a look alone: nobody's end or beginning is waited for under it.
    residents: std::sync::Mutex<BTreeMap<AgentName, Arc<Lodging>>>,
    _clerk: Running<()>,
    _chronicler: Running<()>,
}

impl std::fmt::Debug for Agency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agency").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// Where an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// It is being begun.
    Starting,
    /// It deals with messages.
    Running,
    /// It crashed, and is begun anew.
    Resting,
    /// It was stopped.
    Stopped,
    /// It crashed too often and was given up.
    Failed,
}

/// An agent as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRow {
    /// Its name.
    pub name: AgentName,
    /// What it is.
    pub kind: String,
    /// How messages to it are kept.
    pub delivery: Delivery,
    /// Where it stands.
    pub state: AgentState,
    /// Messages that wait in its mailbox.
    pub waiting: usize,
    /// Room for messages in its mailbox.
    pub capacity: usize,
    /// Durable messages that are under way to it.
    pub under_way: usize,
    /// Messages that its present and earlier incarnations dealt with.
    pub handled: u64,
    /// How often it was begun anew.
    pub restarts: u32,
    /// Why it crashed last.
    pub trouble: Option<String>,
}

impl Agency {
    /// An empty one, on the runtime that the caller runs on.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let Options { platform, journal, views, clock, entropy, largest, receivers } = options;
        let (calls, called) = mpsc::channel(CALLS);
        let (entries, told) = mpsc::channel(WAITING);
        let missed = Arc::<AtomicU64>::default();
        let crashes = Arc::<Crashes>::default();
        let (told_to, lost, words) = (entries.clone(), Arc::clone(&missed), Arc::clone(&crashes));
        let watcher = Watcher { entries: told_to, missed: lost, crashes: words };
        let system = System::new(bottega_actor::Options {
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            observer: Some(Arc::new(watcher)),
            shuffle: None,
        });
        let turn = Arc::<Mutex<()>>::default();
        let clerk = Clerk {
            journal: Arc::clone(&journal),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            turn: Arc::clone(&turn),
        };
        let chronicler =
            Chronicler { journal: Arc::clone(&journal), entropy: Arc::clone(&entropy) };
        let facilitator =
            Facilitator::new(Arc::clone(&journal), Arc::clone(&clock), Arc::clone(&entropy));
        let bounds = Bounds { receivers, content: largest };
        let routes = Routes::default();
        Self {
            platform,
            desk: Arc::new(Desk { journal, clock, entropy, routes, bounds, calls, turn }),
            views,
            facilitator: Arc::new(facilitator),
            system,
            entries,
            missed,
            crashes,
            residents: std::sync::Mutex::default(),
            _clerk: spawn(TaskKind::Clerk, clerk.work(called)),
            _chronicler: spawn(TaskKind::Clerk, chronicler.work(told)),
        }
    }

    /// The platform's own name.
    #[must_use]
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// Lets the directory facilitator live here, with all that an earlier process was told.
    ///
    /// # Errors
    /// When its name is taken, and when the store fails.
    pub async fn open_directory(&self) -> Result<(), AgencyError> {
        self.facilitator.restore().await?;
        let name = format!("{}@{}", facilitator::NAME, self.platform).parse().map_err(
            |error: bottega_acl::NotAnAgentName| AgencyError::Malformed(error.to_string()),
        )?;
        let shared = Arc::clone(&self.facilitator);
        let make = move || -> Box<dyn Resident> { Box::new(facilitator::Clerk(shared.clone())) };
        let kind = "native directory".to_owned();
        self.host(HostSpec { kind, ..HostSpec::new(name, make) }).await
    }

    /// Lets the agent management system live here, of whom agents ask who else does.
    ///
    /// # Errors
    /// When its name is taken.
    pub async fn open_management(self: &Arc<Self>) -> Result<(), AgencyError> {
        let name = format!("{}@{}", management::NAME, self.platform).parse().map_err(
            |error: bottega_acl::NotAnAgentName| AgencyError::Malformed(error.to_string()),
        )?;
        let shared = Arc::downgrade(self);
        let make = move || -> Box<dyn Resident> { Box::new(Registrar(shared.clone())) };
        let kind = "native management".to_owned();
        self.host(HostSpec { kind, ..HostSpec::new(name, make) }).await
    }

    /// Who offers what.
    #[must_use]
    pub const fn directory(&self) -> &Arc<Facilitator> {
        &self.facilitator
    }

    /// Whether somebody of that name lives here.
    #[must_use]
    pub fn knows(&self, name: &AgentName) -> bool {
        self.desk.routes.with(name, |_| ()).is_some()
    }

    /// What kind of agent lives there.
    pub(crate) fn kind(&self, name: &AgentName) -> Option<String> {
        self.residents().get(name).map(|lodging| lodging.blueprint.kind())
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    pub(crate) fn residents(&self) -> MutexGuard<'_, BTreeMap<AgentName, Arc<Lodging>>> {
        self.residents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lodging(&self, name: &AgentName) -> Result<Arc<Lodging>, AgencyError> {
        let found = self.residents().get(name).cloned();
        found.ok_or_else(|| AgencyError::Unknown(name.clone()))
    }

    /// Whether somebody of that name lives here who is no question's own.
    #[must_use]
    pub fn stays(&self, name: &AgentName) -> bool {
        !is_question(name.local()) && self.knows(name)
    }

    /// Everybody who lives here, by name.
    #[must_use]
    pub fn list(&self) -> Vec<AgentRow> {
        let tree: BTreeMap<String, ActorView> = self
            .system
            .tree()
            .into_iter()
            .filter_map(|view| Some((view.name.as_deref()?.to_owned(), view)))
            .collect();
        let residents = self.residents();
        let shown = residents.iter().map(|(name, lodging)| {
            let view = tree.get(name.as_str());
            let state = match (lodging.living(), view.map(|view| view.state)) {
                (Living::Arriving, _) | (Living::Here(..), Some(State::Starting)) => {
                    AgentState::Starting
                }
                (Living::Stopped | Living::Gone, _) => AgentState::Stopped,
                (Living::Here(..), Some(State::Running | State::Stopping)) => AgentState::Running,
                (Living::Here(..), Some(State::Resting)) => AgentState::Resting,
                (Living::Failed, _)
                | (Living::Here(..), Some(State::Stopped | State::Failed) | None) => {
                    AgentState::Failed
                }
            };
            let crashes = self.crashes.of(name).filter(|_| state == AgentState::Failed);
            let spec = lodging.spec();
            AgentRow {
                name: name.clone(),
                kind: lodging.blueprint.kind(),
                delivery: spec.delivery,
                state,
                waiting: view.map_or(0, |view| view.depth),
                capacity: spec.capacity,
                under_way: lodging.mailroom.under_way(),
                handled: view.map_or(0, |view| view.handled),
                restarts: match (view, &crashes) {
                    (Some(view), _) => view.restarts,
                    // Over the last one it was given up.
                    (None, Some((count, _))) => count.saturating_sub(1),
                    (None, None) => 0,
                },
                // One that was given up is in no tree any more.
                trouble: view
                    .and_then(|view| view.last_error.as_deref().map(str::to_owned))
                    .or_else(|| lodging.blueprint.trouble())
                    .or_else(|| crashes.map(|(_, words)| words)),
            }
        });
        shown.collect()
    }

    /// The tree of actors, supervisors included.
    #[must_use]
    pub fn tree(&self) -> Vec<ActorView> {
        self.system.tree()
    }

    /// Sends a message. `id` names it, so that it is stored once however often it is sent; `class` says how it is kept,
    /// instead of what its receivers say.
    pub fn send(
        &self,
        message: Message,
        id: Option<MessageId>,
        class: Option<Delivery>,
    ) -> impl Future<Output = Result<Receipt, Unsent>> + Send + '_ {
        self.desk.send(message, id, class)
    }

    /// Sends a message and waits for the first answer to it, for at most `span` and not past its `reply-by`. Its sender is a name of this question's
    /// own.
    pub async fn ask(&self, message: Message, span: Duration) -> Result<Option<Message>, Unsent> {
        let desk = &self.desk;
        let mut asker = Asker::new(&desk.routes, &self.platform, desk.entropy.as_ref())
            .ok_or_else(|| Unsent::Inadmissible("the platform has no usable name".to_owned()))?;
        let now = desk.clock.now();
        let left = message.deadline(now).map_or(span, |deadline| deadline.since(now));
        let asked = async {
            let message = message.from(Aid::new(asker.name.clone()));
            desk.send(message, None, Some(Delivery::Transient)).await?;
            Ok(asker.answer().await)
        };
        bottega_actor::within(span.min(left), asked).await.unwrap_or(Ok(None))
    }

    /// Ends everything in good order: mailboxes are drained until the deadline, and what was handled is stored as such.
    pub async fn shutdown(&self, span: Duration) {
        let Self { system, desk, missed, .. } = self;
        let names: HashMap<ActorId, Arc<str>> =
            system.tree().into_iter().filter_map(|view| Some((view.id, view.name?))).collect();
        let leftovers = system.shutdown(span).await;
        for id in leftovers.killed.iter().chain(&leftovers.abandoned) {
            let who = names.get(id).map_or("", |name| name.strip_prefix(KEEPER).unwrap_or(name));
            tracing::warn!(agent = who, "it did not end in time");
        }
        let lodgings: Vec<_> = self.residents().values().cloned().collect();
        for lodging in lodgings {
            settle(desk, &lodging.mailroom).await;
        }
        self.written().await;
        let missed = missed.load(Ordering::Relaxed);
        if missed > 0 {
            tracing::warn!(missed, "more happened to agents than could be written down");
        }
    }

    /// What all that is sent and received goes through.
    pub(crate) const fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Where what happens to agents is told.
    pub(crate) const fn entries(&self) -> &mpsc::Sender<Told> {
        &self.entries
    }

    /// What guests keep.
    pub(crate) fn keep(&self) -> Keep<'_> {
        Keep::of(self.desk.as_ref(), self.views.as_ref())
    }

    /// Views of the journal.
    pub(crate) const fn views(&self) -> &Arc<dyn Projections> {
        &self.views
    }

    pub(crate) async fn note(&self, name: &AgentName, event: AgentEvent) {
        let (stream, at) = (StreamId::agent(name), self.desk.clock.now());
        // The chronicler lives as long as this.
        let entry = Entry { stream, at, event: event.encode() };
        let _ = self.entries.send(Told::Happened(entry)).await;
    }

    /// Returns when all that happened until now is written down.
    pub(crate) async fn written(&self) {
        let (answer, written) = oneshot::channel();
        if self.entries.send(Told::Written(answer)).await.is_ok() {
            // It answers, unless it has gone. What could not be written was told in the log.
            let _ = written.await;
        }
    }

    /// Stores an event of an agent, after what happened to it before.
    pub(crate) async fn store(
        &self,
        name: &AgentName,
        event: AgentEvent,
    ) -> Result<(), AgencyError> {
        self.written().await;
        let at = self.desk.clock.now();
        let append = Append {
            command: CommandId::new(at, self.desk.entropy.as_ref()),
            at,
            batches: vec![Batch {
                stream: StreamId::agent(name),
                expected: Expected::Any,
                events: vec![event.encode()],
            }],
        };
        self.desk.journal.append(append).await?;
        Ok(())
    }
}
