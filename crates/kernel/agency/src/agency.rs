//! Agent management: who lives here, and how they are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use bottega_acl::{AgentName, Aid, ConversationRef, Message};
use bottega_actor::{
    ActorView, ChildSpec, Ref, Running, State, Stopped, Supervisor, SupervisorRef, System,
    TaskKind, spawn,
};
use bottega_behaviour::{Resident, Unsent};
use bottega_event::{
    AgentEvent, AgentHosted, AgentRemoved, AgentStopped, AgentUpgraded, Death, MailAccepted,
    MailEvent, MailResent, Revision, StreamId,
};
use bottega_store::{Append, Batch, Expected, Journal, Projections, StoreError, catch_up};
use bottega_telemetry::Trail;
use bottega_types::{Clock, CommandId, Entropy, MessageId, TraceId};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::AgencyError;
use crate::admit::Bounds;
use crate::blueprint::{Blueprint, Delivery, HostSpec, Maker, Proposal};
use crate::chronicle::{Chronicler, Entry, KEEPER, Told, WAITING, Watcher};
use crate::clerk::{CALLS, Clerk};
use crate::conversation_view::{ConversationView, Place, Said};
use crate::desk::{Desk, Receipt};
use crate::facilitator::{self, Facilitator};
use crate::inhabitant::Inhabitant;
use crate::keep::Keep;
use crate::mail_view::{MailRow, MailView};
use crate::mailroom::Mailroom;
use crate::management::{self, Registrar};
use crate::office::AgentOffice;
use crate::parcel::Parcel;
use crate::question::{Asker, is_question};
use crate::routes::{AgentRoute, Route, Routes};
use crate::trace_view::{TraceRow, TraceView};

/// How long an agent may take to end by itself: as long as whoever ends it waits.
const OWN_END: Duration = Duration::from_secs(24 * 3600);
/// How long a new version may take to begin.
const RENEWING: Duration = Duration::from_secs(30);
/// Rows of the mail view that are read at a time.
const PAGE: usize = 512;
/// Copies of one message lie no further apart than this in a conversation.
const RECEIVERS: usize = 1_024;

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
    platform: String,
    desk: Arc<Desk>,
    views: Arc<dyn Projections>,
    facilitator: Arc<Facilitator>,
    system: System,
    entries: mpsc::Sender<Told>,
    missed: Arc<AtomicU64>,
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

/// Where one agent lives.
struct Lodging {
    spec: HostSpec,
    blueprint: Arc<Blueprint>,
    mailroom: Arc<Mailroom>,
    /// Held by whoever begins, ends or changes it: one does at a time, and nobody else's agents wait.
    turn: Mutex<()>,
    living: std::sync::Mutex<Living>,
}

/// How an agent lives now.
#[derive(Clone)]
enum Living {
    /// Its first incarnation is not up yet.
    Arriving,
    Here(SupervisorRef, Ref<Parcel>),
    Stopped,
    /// It could not begin.
    Failed,
    /// Whoever waited for its turn finds nobody.
    Gone,
}

impl Lodging {
    fn new(spec: HostSpec, living: Living) -> Self {
        let (kind, make) = (spec.kind.clone(), Arc::clone(&spec.make));
        Self {
            blueprint: Arc::new(Blueprint::new(kind, make, spec.keep)),
            mailroom: Arc::new(Mailroom::new(StreamId::mail(&spec.name), spec.backlog)),
            turn: Mutex::default(),
            living: std::sync::Mutex::new(living),
            spec,
        }
    }

    fn living(&self) -> Living {
        self.living.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lives(&self, now: Living) {
        *self.living.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// How it is reached, by that mailbox.
    fn route(&self, mailbox: Option<Ref<Parcel>>) -> Route {
        let (delivery, keep) = (self.spec.delivery, self.spec.keep);
        let mailroom = Arc::clone(&self.mailroom);
        Route::Agent(AgentRoute { mailbox, mailroom, delivery, keep })
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
        let watcher = Watcher { entries: entries.clone(), missed: Arc::clone(&missed) };
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

    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn residents(&self) -> MutexGuard<'_, BTreeMap<AgentName, Arc<Lodging>>> {
        self.residents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lodging(&self, name: &AgentName) -> Result<Arc<Lodging>, AgencyError> {
        let found = self.residents().get(name).cloned();
        found.ok_or_else(|| AgencyError::Unknown(name.clone()))
    }

    /// Whether somebody of that name lives here who is no question's own.
    #[must_use]
    pub fn stays(&self, name: &AgentName) -> bool {
        !is_question(name.local()) && self.knows(name)
    }

    /// Hosts an agent, and hands over what an earlier process left for it. Returns when its first incarnation is up.
    ///
    /// # Errors
    /// When its name is taken or of another platform, when it could not begin, and when the store fails.
    pub async fn host(&self, spec: HostSpec) -> Result<(), AgencyError> {
        let name = spec.name.clone();
        if name.platform() != self.platform {
            return Err(AgencyError::Foreign { name, platform: self.platform.clone() });
        }
        let hosted =
            AgentHosted { kind: spec.kind.clone(), durable: spec.delivery == Delivery::Durable };
        let lodging = Arc::new(Lodging::new(spec, Living::Arriving));
        let _turn = lodging.turn.lock().await;
        let mut arrival = match self.residents().entry(name.clone()) {
            Slot::Occupied(_) => return Err(AgencyError::Taken(name)),
            Slot::Vacant(free) => {
                free.insert(Arc::clone(&lodging));
                Arrival { agency: self, lodging: &lodging, done: false }
            }
        };
        self.note(&name, hosted.into()).await;
        self.recover(&name, &lodging).await?;
        self.begin(&name, &lodging).await?;
        arrival.done = true;
        Ok(())
    }

    /// Keeps a place for an agent that is not begun: since it could not, which is told by `trouble`, or since it was stopped.
    /// What is sent to it is stored, and it may be begun later.
    ///
    /// # Errors
    /// When its name is taken, and when the store fails.
    pub async fn shelter(
        &self,
        spec: HostSpec,
        trouble: Option<String>,
    ) -> Result<(), AgencyError> {
        let name = spec.name.clone();
        let living = if trouble.is_some() { Living::Failed } else { Living::Stopped };
        let lodging = Arc::new(Lodging::new(spec, living));
        lodging.blueprint.note(trouble);
        let _turn = lodging.turn.lock().await;
        match self.residents().entry(name.clone()) {
            Slot::Occupied(_) => return Err(AgencyError::Taken(name)),
            Slot::Vacant(free) => drop(free.insert(Arc::clone(&lodging))),
        }
        self.recover(&name, &lodging).await
    }

    /// Finds in the journal what is under way to an agent that is not begun yet. From here on what is sent to it is stored
    /// and waits behind that.
    async fn recover(&self, name: &AgentName, lodging: &Lodging) -> Result<(), AgencyError> {
        let mailroom = &lodging.mailroom;
        self.desk.routes.put(name.clone(), lodging.route(None));
        let mut parcels = Vec::new();
        for found in self.rows(&mailroom.stream).await? {
            if found.dead.is_none() {
                parcels.extend(self.parcel(mailroom, found).await);
            }
        }
        mailroom.recover(parcels);
        Ok(())
    }

    /// A stored message to be handed over. One that can't be read becomes a dead letter.
    async fn parcel(&self, mailroom: &Arc<Mailroom>, row: MailRow) -> Option<Parcel> {
        match row.letter.open() {
            Ok(message) => {
                let trail = row.trace.map(Trail::new);
                Some(Parcel::Durable { id: row.id, message, before: 0, trail })
            }
            Err(why) => {
                let words = format!("it can't be read: {why}");
                self.desk.bury(mailroom, row.id, Death::Poison, words).await;
                None
            }
        }
    }

    async fn begin(&self, name: &AgentName, lodging: &Lodging) -> Result<(), AgencyError> {
        let Lodging { spec, blueprint, mailroom, .. } = lodging;
        let not_begun = |why: String| AgencyError::NotBegun { name: name.clone(), why };
        let keeper = Supervisor::dynamic(format!("{KEEPER}{name}")).intensity(spec.intensity);
        let keeper = self.system.supervise(keeper).map_err(|_| AgencyError::Taken(name.clone()))?;
        let mut unattended = Unattended(Some(keeper.clone()));
        keeper.ready().await.map_err(|_| not_begun("its supervisor gave up".to_owned()))?;
        let office = AgentOffice { me: Aid::new(name.clone()), desk: Arc::clone(&self.desk) };
        let (plan, room, office) = (Arc::clone(blueprint), Arc::clone(mailroom), Arc::new(office));
        let make =
            move || Inhabitant::new(Arc::clone(&plan), Arc::clone(&room), Arc::clone(&office));
        let mut child = ChildSpec::new(name.as_str(), make)
            .capacity(spec.capacity)
            .restart(spec.restart)
            .backoff(spec.backoff)
            .stop_within(OWN_END);
        if let Some((span, then)) = spec.stuck {
            child = child.stuck_after(span, then);
        }
        let mailbox = match keeper.start(child).await {
            Ok(mailbox) => mailbox,
            Err(error) => {
                keeper.shutdown(Duration::from_secs(1)).await;
                return Err(not_begun(blueprint.trouble().unwrap_or_else(|| error.to_string())));
            }
        };
        self.desk.routes.put(name.clone(), lodging.route(Some(mailbox.clone())));
        mailroom.fill(&mailbox);
        unattended.0 = None;
        lodging.lives(Living::Here(keeper, mailbox));
        Ok(())
    }

    /// Stops an agent: what its mailbox holds is dealt with until the deadline. Durable messages to it are stored from
    /// then on and wait; transient ones are refused.
    pub async fn stop(&self, name: &AgentName, span: Duration) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await
    }

    async fn end(
        &self,
        name: &AgentName,
        lodging: &Lodging,
        span: Duration,
    ) -> Result<(), AgencyError> {
        let keeper = match lodging.living() {
            Living::Here(keeper, _) => keeper,
            Living::Failed => {
                lodging.lives(Living::Stopped);
                return Ok(());
            }
            Living::Arriving | Living::Stopped => return Ok(()),
            Living::Gone => return Err(AgencyError::Unknown(name.clone())),
        };
        lodging.lives(Living::Stopped);
        self.desk.routes.put(name.clone(), lodging.route(None));
        let stopped = keeper.shutdown(span).await;
        let drained = matches!(stopped, Stopped::InTime(_));
        self.note(name, AgentStopped { drained }.into()).await;
        Ok(())
    }

    /// Begins an agent that was stopped or given up. What waits for it is handed over.
    pub async fn start(&self, name: &AgentName) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.begin_again(name, &lodging).await
    }

    async fn begin_again(&self, name: &AgentName, lodging: &Lodging) -> Result<(), AgencyError> {
        match lodging.living() {
            Living::Gone => return Err(AgencyError::Unknown(name.clone())),
            Living::Here(_, mailbox) if !mailbox.is_gone() => return Ok(()),
            Living::Here(keeper, _) => {
                keeper.kill();
                lodging.lives(Living::Stopped);
            }
            Living::Arriving | Living::Stopped | Living::Failed => {}
        }
        // What was in its mailbox went with it; what is durable is found again.
        settle(&self.desk, &lodging.mailroom).await;
        self.desk.routes.put(name.clone(), lodging.route(None));
        lodging.mailroom.reset();
        self.recover(name, lodging).await?;
        let begun = self.begin(name, lodging).await;
        if begun.is_err() {
            lodging.lives(Living::Failed);
        }
        begun
    }

    /// Stops an agent and begins it again.
    pub async fn restart(&self, name: &AgentName, span: Duration) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await?;
        self.begin_again(name, &lodging).await
    }

    /// Lets another version of an agent take over, with what the present one knows, between two messages. Nothing in its
    /// mailbox is lost.
    ///
    /// # Errors
    /// [`AgencyError::RolledBack`] when the new version did not come up; the present one goes on.
    pub async fn upgrade(
        &self,
        name: &AgentName,
        kind: String,
        make: Maker,
    ) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        let (told, outcome) = oneshot::channel();
        let proposed = Arc::clone(&make);
        lodging.blueprint.propose(Proposal { kind: kind.clone(), make: proposed, told });
        let outcome = match lodging.living() {
            Living::Gone => return Err(AgencyError::Unknown(name.clone())),
            Living::Here(_, mailbox) if mailbox.tell_first(Parcel::Renew).is_ok() => {
                match bottega_actor::within(RENEWING, outcome).await {
                    Some(Ok(outcome)) => outcome,
                    Some(Err(_)) => Err("the agent ended over it".to_owned()),
                    None => Err(format!("it took longer than {} s", RENEWING.as_secs())),
                }
            }
            // Nobody is there who knows anything, so nothing has to be taken over.
            Living::Here(..) | Living::Failed => {
                drop(lodging.blueprint.proposal());
                self.replace(name, &lodging, kind.clone(), make).await
            }
            Living::Arriving | Living::Stopped => {
                lodging.blueprint.adopt(kind.clone(), make);
                Ok(())
            }
        };
        drop(lodging.blueprint.proposal());
        let failed = outcome.err();
        self.note(name, AgentUpgraded { kind, failed: failed.clone() }.into()).await;
        match failed {
            None => Ok(()),
            Some(why) => Err(AgencyError::RolledBack { name: name.clone(), why }),
        }
    }

    /// Begins an agent anew as another version, which knows nothing of what the present one knew. Durable messages wait
    /// meanwhile.
    ///
    /// # Errors
    /// [`AgencyError::RolledBack`] when it did not come up; what was there before is begun again then, as far as it can be.
    pub async fn begin_as(
        &self,
        name: &AgentName,
        kind: String,
        make: Maker,
        span: Duration,
    ) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await?;
        let replaced = self.replace(name, &lodging, kind.clone(), make).await;
        let failed = replaced.err();
        self.note(name, AgentUpgraded { kind, failed: failed.clone() }.into()).await;
        match failed {
            None => Ok(()),
            Some(why) => Err(AgencyError::RolledBack { name: name.clone(), why }),
        }
    }

    /// Begins an agent of which nobody lives as another version.
    async fn replace(
        &self,
        name: &AgentName,
        lodging: &Lodging,
        kind: String,
        make: Maker,
    ) -> Result<(), String> {
        let before = (lodging.blueprint.kind(), lodging.blueprint.maker());
        lodging.blueprint.adopt(kind, make);
        let Err(error) = self.begin_again(name, lodging).await else { return Ok(()) };
        lodging.blueprint.adopt(before.0, before.1);
        // It was given up before, or was to be replaced since it did no good: whether it comes up again is no matter here.
        if let Err(again) = self.begin_again(name, lodging).await {
            tracing::warn!(agent = %name, %again, "the version before could not begin again");
        }
        Err(if let AgencyError::NotBegun { why, .. } = error { why } else { error.to_string() })
    }

    /// Lets the version take over that was there before the last upgrade.
    pub async fn roll_back(&self, name: &AgentName) -> Result<(), AgencyError> {
        let Some((kind, make)) = self.lodging(name)?.blueprint.previous() else {
            let why = "there was no version before this one".to_owned();
            return Err(AgencyError::RolledBack { name: name.clone(), why });
        };
        self.upgrade(name, kind, make).await
    }

    /// Takes an agent away. What is under way to it becomes dead letters.
    pub async fn remove(&self, name: &AgentName, span: Duration) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        self.end(name, &lodging, span).await?;
        // It comes back with the next server until this is stored, so nobody is told before.
        self.store(name, AgentRemoved {}.into()).await?;
        self.forget(&lodging);
        self.facilitator.forget(name).await?;
        let mailroom = &lodging.mailroom;
        settle(&self.desk, mailroom).await;
        for left in self.rows(&mailroom.stream).await?.into_iter().filter(|row| row.dead.is_none())
        {
            let words = "the agent was removed".to_owned();
            self.desk.bury(mailroom, left.id, Death::Removed, words).await;
        }
        Ok(())
    }

    /// Nobody lives there any more.
    fn forget(&self, lodging: &Lodging) {
        let name = &lodging.spec.name;
        lodging.lives(Living::Gone);
        // The route first: as soon as the name is free, another one may have its own.
        self.desk.routes.remove(name);
        self.residents().remove(name);
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
            AgentRow {
                name: name.clone(),
                kind: lodging.blueprint.kind(),
                delivery: lodging.spec.delivery,
                state,
                waiting: view.map_or(0, |view| view.depth),
                capacity: lodging.spec.capacity,
                under_way: lodging.mailroom.under_way(),
                handled: view.map_or(0, |view| view.handled),
                restarts: view.map_or(0, |view| view.restarts),
                // One that was given up is in no tree any more.
                trouble: view
                    .and_then(|view| view.last_error.as_deref().map(str::to_owned))
                    .or_else(|| lodging.blueprint.trouble()),
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

    /// Sends a message and waits for the first answer to it, for at most `span`. Its sender is a name of this question's
    /// own.
    pub async fn ask(&self, message: Message, span: Duration) -> Result<Option<Message>, Unsent> {
        let desk = &self.desk;
        let mut asker = Asker::new(&desk.routes, &self.platform, desk.entropy.as_ref())
            .ok_or_else(|| Unsent::Inadmissible("the platform has no usable name".to_owned()))?;
        let asked = async {
            let message = message.from(Aid::new(asker.name.clone()));
            desk.send(message, None, Some(Delivery::Transient)).await?;
            Ok(asker.answer().await)
        };
        bottega_actor::within(span, asked).await.unwrap_or(Ok(None))
    }

    /// Durable messages of an agent that were not handled, dead ones included, in the order in which they are handed over.
    pub async fn mail(&self, name: &AgentName) -> Result<Vec<MailRow>, AgencyError> {
        Ok(self.rows(&StreamId::mail(name)).await?)
    }

    /// The stored messages of a conversation, in the order in which they were taken in. Transient ones leave no trace.
    pub async fn conversation(
        &self,
        conversation: &ConversationRef,
    ) -> Result<Vec<Said>, AgencyError> {
        let (journal, views) = (self.desk.journal.as_ref(), self.views.as_ref());
        catch_up(&ConversationView, journal, views).await?;
        let prefix = ConversationView::prefix(conversation);
        let (mut said, mut after) = (Vec::<Said>::new(), None::<String>);
        loop {
            let name = ConversationView::NAME;
            let page = views.rows(name, &prefix, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(said) };
            after = Some(last.clone());
            for place in page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()) {
                let Place { stream, revision } = place;
                let before = Revision(revision.0.saturating_sub(1));
                for record in journal.read_stream(&stream, before, 1).await? {
                    let Ok(MailEvent::Accepted(accepted)) = MailEvent::decode(&record.event) else {
                        continue;
                    };
                    let MailAccepted { id, letter, trace } = accepted;
                    // One that went to several stands in the mail of each.
                    if said.iter().rev().take(RECEIVERS).all(|other| other.id != id) {
                        said.push(Said { id, at: record.at, letter, trace });
                    }
                }
            }
        }
    }

    /// What was stored along a trace, in the order in which that was done, at most `most` of it.
    pub async fn trace(&self, trace: TraceId, most: usize) -> Result<Vec<TraceRow>, AgencyError> {
        let (journal, views) = (self.desk.journal.as_ref(), self.views.as_ref());
        catch_up(&TraceView, journal, views).await?;
        let prefix = TraceView::prefix(trace);
        let (mut found, mut after) = (Vec::<TraceRow>::new(), None::<String>);
        while found.len() < most {
            let wanted = PAGE.min(most - found.len());
            let page = views.rows(TraceView::NAME, &prefix, after.as_deref(), wanted).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            found.extend(page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()));
        }
        Ok(found)
    }

    /// Hands a dead letter over once more.
    pub async fn resend(&self, name: &AgentName, id: MessageId) -> Result<(), AgencyError> {
        let lodging = self.lodging(name)?;
        let _turn = lodging.turn.lock().await;
        if matches!(lodging.living(), Living::Gone) {
            return Err(AgencyError::Unknown(name.clone()));
        }
        let mailroom = &lodging.mailroom;
        let rows = self.rows(&mailroom.stream).await?;
        let dead = rows.into_iter().find(|row| row.id == id && row.dead.is_some());
        let dead = dead.ok_or_else(|| AgencyError::NoLetter { name: name.clone(), id })?;
        let at = self.desk.clock.now();
        let append = Append {
            command: CommandId::new(at, self.desk.entropy.as_ref()),
            at,
            batches: vec![Batch {
                stream: mailroom.stream.clone(),
                expected: Expected::Any,
                events: vec![MailEvent::from(MailResent { id }).encode()],
            }],
        };
        self.desk.journal.append(append).await?;
        if let Some(parcel) = self.parcel(mailroom, dead).await {
            mailroom.recover(vec![parcel]);
        }
        if let Living::Here(_, mailbox) = lodging.living() {
            mailroom.fill(&mailbox);
        }
        Ok(())
    }

    /// Ends everything in good order: mailboxes are drained until the deadline, and what was handled is stored as such.
    pub async fn shutdown(&self, span: Duration) {
        let Self { system, desk, missed, .. } = self;
        let leftovers = system.shutdown(span).await;
        if !leftovers.killed.is_empty() || !leftovers.abandoned.is_empty() {
            tracing::warn!(?leftovers, "not every agent ended in time");
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

    async fn note(&self, name: &AgentName, event: AgentEvent) {
        let (stream, at) = (StreamId::agent(name), self.desk.clock.now());
        // The chronicler lives as long as this.
        let entry = Entry { stream, at, event: event.encode() };
        let _ = self.entries.send(Told::Happened(entry)).await;
    }

    /// Returns when all that happened until now is written down.
    async fn written(&self) {
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

    async fn rows(&self, stream: &StreamId) -> Result<Vec<MailRow>, StoreError> {
        catch_up(&MailView, self.desk.journal.as_ref(), self.views.as_ref()).await?;
        let prefix = format!("{stream} ");
        let (mut rows, mut after) = (Vec::<MailRow>::new(), None::<String>);
        loop {
            let page = self.views.rows("mail", &prefix, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            rows.extend(page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()));
        }
        rows.sort_by_key(|row| row.revision);
        Ok(rows)
    }
}

/// A supervisor whose agent is not up yet. It ends with whoever begins that one.
struct Unattended(Option<SupervisorRef>);

impl Drop for Unattended {
    fn drop(&mut self) {
        if let Some(keeper) = &self.0 {
            keeper.kill();
        }
    }
}

/// One who moves in. Unless it is done, whoever waits for that gives up or the agent could not begin: then its name is
/// free again.
struct Arrival<'a> {
    agency: &'a Agency,
    lodging: &'a Lodging,
    done: bool,
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if !self.done {
            if let Living::Here(keeper, _) = self.lodging.living() {
                keeper.kill();
            }
            self.agency.forget(self.lodging);
        }
    }
}

/// Stores what was handled and not stored as such yet.
async fn settle(desk: &Desk, mailroom: &Arc<Mailroom>) {
    let clerk = Clerk {
        journal: Arc::clone(&desk.journal),
        clock: Arc::clone(&desk.clock),
        entropy: Arc::clone(&desk.entropy),
        turn: Arc::clone(&desk.turn),
    };
    clerk.store(std::slice::from_ref(mailroom)).await;
}
