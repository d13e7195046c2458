//! A supervisor as it is described, and the way to a running one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::desk::{Desk, supervise};
use super::plan::Closing;
use super::spec::{Planted, Policy, Seed};
use super::{Backoff, ChildSpec, Intensity, Restart, Strategy};
use crate::actor::{ActorId, Ending};
use crate::cell::{Cell, Node};
use crate::reference::{Ref, Stopped};
use crate::registry::NameTaken;
use crate::system::{Inner, Spawn};
use crate::task::{TaskKind, detach};
use crate::tie::{Obituary, Tie, farewell};

/// Commands that may wait for one supervisor.
const COMMANDS: usize = 256;

/// How long a supervisor below another may take to stop; its children have deadlines of their own.
const STOP_WITHIN: Duration = Duration::from_secs(300);

/// How long all children of a supervisor below another may take to start, one after the other.
const START_WITHIN: Duration = Duration::from_secs(300);

/// What a supervisor is asked for.
pub(crate) enum Command {
    Start(Arc<dyn Planted>, oneshot::Sender<Result<(), StartError>>),
    Stop(ActorId, oneshot::Sender<()>),
    Ready(oneshot::Sender<()>),
}

/// A supervisor and its children, before they live.
///
/// ```
/// use bottega_actor::{Actor, ChildSpec, Context, Fault, Supervisor, System};
///
/// struct Echo;
///
/// impl Actor for Echo {
///     type Message = String;
///     async fn handle(&mut self, _: String, _: &mut Context<String>) -> Result<(), Fault> {
///         Ok(())
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let system = System::default();
/// let supervisor = system
///     .supervise(
///         Supervisor::rest_for_one("pipeline")
///             .child(ChildSpec::new("source", || Echo))
///             .supervisor(Supervisor::one_for_one("workers").child(ChildSpec::new("worker", || Echo))),
///     )
///     .unwrap();
/// supervisor.ready().await.unwrap();
/// assert!(system.find::<String>("worker").is_some());
/// # });
/// ```
pub struct Supervisor {
    name: Option<Arc<str>>,
    strategy: Strategy,
    closing: Closing,
    intensity: Intensity,
    policy: Policy,
    seeds: Vec<Box<dyn Seed>>,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("name", &self.name)
            .field("strategy", &self.strategy)
            .field("intensity", &self.intensity)
            .field("children", &self.seeds.len())
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    fn new(name: Arc<str>, strategy: Strategy, closing: Closing) -> Self {
        Self {
            name: Some(name),
            strategy,
            closing,
            intensity: Intensity::default(),
            policy: Policy { start_within: START_WITHIN, ..Policy::new(STOP_WITHIN) },
            seeds: Vec::new(),
        }
    }

    /// One that restarts each child alone.
    pub fn one_for_one(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into(), Strategy::OneForOne, Closing::InReverse)
    }

    /// One that restarts all children together.
    pub fn one_for_all(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into(), Strategy::OneForAll, Closing::InReverse)
    }

    /// One that restarts a child and those behind it.
    pub fn rest_for_one(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into(), Strategy::RestForOne, Closing::InReverse)
    }

    /// One for many children that come and go ([`SupervisorRef::start`]): each is restarted alone, and all are stopped at once
    /// when it ends.
    pub fn dynamic(name: impl Into<Arc<str>>) -> Self {
        Self::new(name.into(), Strategy::OneForOne, Closing::Together)
    }

    /// How many restarts it makes before it gives up.
    #[must_use]
    pub const fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// A further child, started after those before it.
    #[must_use]
    pub fn child<M: Send + 'static>(mut self, spec: ChildSpec<M>) -> Self {
        self.seeds.push(Box::new(spec));
        self
    }

    /// A further child that is a supervisor itself.
    #[must_use]
    pub fn supervisor(mut self, supervisor: Self) -> Self {
        self.seeds.push(Box::new(supervisor));
        self
    }

    /// When it is restarted by its own supervisor.
    #[must_use]
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.policy.restart = restart;
        self
    }

    /// How long it rests before its own supervisor restarts it.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.policy.backoff = backoff;
        self
    }

    /// How long it may take to stop with all its children, before its own supervisor kills it. Five minutes unless told.
    #[must_use]
    pub const fn stop_within(mut self, span: Duration) -> Self {
        self.policy.stop_within = span;
        self
    }

    fn planted(self, system: &Arc<Inner>, parent: Option<ActorId>) -> Arc<PlantedSupervisor> {
        let id = system.next_id();
        let how = Spawn { name: self.name, capacity: COMMANDS };
        let cell =
            Cell::new(Arc::clone(system), id, (how.name, "supervisor", parent), how.capacity);
        let children = self.seeds.into_iter().map(|seed| seed.plant(system, Some(id))).collect();
        Arc::new(PlantedSupervisor(Arc::new(Post {
            cell: Arc::new(cell),
            strategy: self.strategy,
            closing: self.closing,
            intensity: self.intensity,
            policy: self.policy,
            children,
        })))
    }

    pub(crate) fn start(self, system: &Arc<Inner>) -> Result<SupervisorRef, NameTaken> {
        let planted = self.planted(system, None);
        if let Err(taken) = planted.enter() {
            planted.forget();
            return Err(taken);
        }
        planted.begin(Tie::Nobody);
        Ok(SupervisorRef(Ref(Arc::clone(&planted.0.cell))))
    }
}

impl Seed for Supervisor {
    fn plant(self: Box<Self>, system: &Arc<Inner>, parent: Option<ActorId>) -> Arc<dyn Planted> {
        self.planted(system, parent)
    }
}

/// What a supervisor is, whichever incarnation of it.
pub(crate) struct Post {
    pub(crate) cell: Arc<Cell<Command>>,
    pub(crate) strategy: Strategy,
    pub(crate) closing: Closing,
    pub(crate) intensity: Intensity,
    policy: Policy,
    pub(crate) children: Vec<Arc<dyn Planted>>,
}

struct PlantedSupervisor(Arc<Post>);

impl Planted for PlantedSupervisor {
    fn node(&self) -> Arc<dyn Node> {
        let cell: Arc<Cell<Command>> = Arc::clone(&self.0.cell);
        cell
    }

    fn policy(&self) -> &Policy {
        &self.0.policy
    }

    fn enter(&self) -> Result<(), NameTaken> {
        self.0.cell.head.system.registry.enter(self.node())?;
        self.0.children.iter().try_for_each(|child| child.enter())
    }

    fn begin(&self, tie: Tie) -> u32 {
        let (incarnation, _) = self.0.cell.begin();
        let desk = Desk::new(Arc::clone(&self.0), incarnation, matches!(tie, Tie::Nobody));
        let obituary = Obituary::new(Arc::clone(&self.0.cell), incarnation, tie);
        detach(TaskKind::Supervisor, supervise(obituary, desk));
        incarnation
    }

    fn forget(&self) {
        self.0.children.iter().rev().for_each(|child| child.forget());
        farewell(&*self.0.cell);
    }
}

/// Why a child was not started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// A living actor has its name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// Its first incarnation ended before it was up. It is forgotten.
    #[error("the child ended before it was up ({0})")]
    Ended(Ending),
    /// The supervisor ends, or has ended.
    #[error("the supervisor is gone")]
    Gone,
}

/// The supervisor ended before its children were up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the supervisor ended before its children were up; its last error says why")]
pub struct GaveUp;

/// The way to a running supervisor.
#[derive(Clone, Debug)]
pub struct SupervisorRef(Ref<Command>);

impl SupervisorRef {
    /// Its identity.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.0.id()
    }

    /// Waits until all children that it was described with are up for the first time in this incarnation.
    pub async fn ready(&self) -> Result<(), GaveUp> {
        let (reply, answer) = oneshot::channel();
        self.0.post(Command::Ready(reply)).await.map_err(|_| GaveUp)?;
        answer.await.map_err(|_| GaveUp)
    }

    /// Adds a child behind all others, and returns when it is up. Such a child is not there any more after a restart of the
    /// supervisor itself. Dropping the future may leave the child, started or not.
    pub async fn start<M: Send + 'static>(&self, spec: ChildSpec<M>) -> Result<Ref<M>, StartError> {
        let planted = spec.planted(&self.0.0.head.system, Some(self.id()));
        planted.enter()?;
        let child = Ref(Arc::clone(&planted.cell));
        let (reply, answer) = oneshot::channel();
        match self.0.post(Command::Start(Arc::clone(&planted) as _, reply)).await {
            Ok(()) => {
                let started = answer.await.unwrap_or(Err(StartError::Gone));
                if started.is_err() {
                    planted.forget();
                }
                started.map(|()| child)
            }
            Err(_) => {
                planted.forget();
                Err(StartError::Gone)
            }
        }
    }

    /// Stops a child for good: it deals with what it had accepted, and is killed at its deadline. Returns when it is over;
    /// at once when there is no such child.
    pub async fn stop(&self, child: ActorId) {
        let (reply, answer) = oneshot::channel();
        if self.0.post(Command::Stop(child, reply)).await.is_ok() {
            // No answer means that the supervisor ended, and its children before it.
            drop(answer.await);
        }
    }

    /// Stops it with all children, and waits for that; at the deadline all are killed.
    pub async fn shutdown(&self, span: Duration) -> Stopped {
        self.0.stop(span).await
    }

    /// Kills it and its children. Returns at once.
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Waits for the end of its present incarnation.
    pub async fn ended(&self) -> Ending {
        self.0.ended().await
    }
}

impl crate::reference::sealed::Sealed for SupervisorRef {
    #[expect(private_interfaces, reason = "only this crate calls it")]
    fn node(&self) -> Arc<dyn Node> {
        self.0.node()
    }
}
