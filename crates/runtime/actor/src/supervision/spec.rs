//! How a child is made, and what is done about its ends.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Backoff, Key, Restart};
use crate::actor::{Actor, ActorId};
use crate::cell::{Cell, Heir, Node};
use crate::life::live;
use crate::registry::NameTaken;
use crate::system::{Inner, Spawn};
use crate::task::{TaskKind, detach};
use crate::tie::{Obituary, Tie, farewell};

/// What is done about a child that is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnStuck {
    /// The observer is told.
    Report,
    /// It is killed as well, which is an end like a crash.
    Kill,
}

/// What a supervisor does about one child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) restart: Restart,
    pub(crate) backoff: Backoff,
    pub(crate) start_within: Duration,
    pub(crate) stop_within: Duration,
    pub(crate) stuck: Option<(Duration, OnStuck)>,
}

impl Policy {
    pub(crate) fn new(stop_within: Duration) -> Self {
        Self {
            restart: Restart::Permanent,
            backoff: Backoff::NONE,
            start_within: Duration::from_secs(30),
            stop_within,
            stuck: None,
        }
    }
}

/// One child, whatever it is, in its supervisor's hands.
pub(crate) trait Planted: Send + Sync {
    fn node(&self) -> Arc<dyn Node>;
    fn policy(&self) -> &Policy;
    /// Enters it, and what is planted below it, among the living, where it waits for its start.
    fn enter(&self) -> Result<(), NameTaken>;
    /// Begins an incarnation; its number.
    fn begin(&self, tie: Tie) -> u32;
    /// Ends it, and what is planted below it, for good.
    fn forget(&self);
}

/// What will be a child, before it has a place.
pub(crate) trait Seed: Send {
    fn plant(self: Box<Self>, system: &Arc<Inner>, parent: Option<ActorId>) -> Arc<dyn Planted>;
}

type Begin<M> = Arc<dyn Fn(&Arc<Cell<M>>, Tie) -> u32 + Send + Sync>;

/// How one child is made and supervised.
///
/// Unless told otherwise it is permanent, is restarted at once, has 30 seconds for its `init` and 5 to stop.
///
/// ```
/// use std::time::Duration;
/// use bottega_actor::{Actor, Backoff, ChildSpec, Context, Fault, OnStuck, Restart};
///
/// struct Fetcher;
///
/// impl Actor for Fetcher {
///     type Message = String;
///     async fn handle(&mut self, url: String, _: &mut Context<String>) -> Result<(), Fault> {
///         if url.is_empty() { Err("no address".into()) } else { Ok(()) }
///     }
/// }
///
/// let spec = ChildSpec::new("fetcher", || Fetcher)
///     .restart(Restart::Transient)
///     .backoff(Backoff::default())
///     .stuck_after(Duration::from_secs(60), OnStuck::Kill);
/// ```
pub struct ChildSpec<M> {
    how: Spawn,
    kind: &'static str,
    policy: Policy,
    begin: Begin<M>,
    heir: Option<Heir<M>>,
}

impl<M> fmt::Debug for ChildSpec<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("how", &self.how)
            .field("kind", &self.kind)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl<M: Send + 'static> ChildSpec<M> {
    /// A child of that name. `make` is called for each incarnation, on its own task; a panic of it is a crash.
    pub fn new<A: Actor<Message = M>>(
        name: impl Into<Arc<str>>,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        Self::made(Spawn::named(name), make)
    }

    /// A child without a name, for one that is reached by what
    /// [`SupervisorRef::start`](super::SupervisorRef::start) returns.
    pub fn nameless<A: Actor<Message = M>>(make: impl Fn() -> A + Send + Sync + 'static) -> Self {
        Self::made(Spawn::default(), make)
    }

    fn made<A: Actor<Message = M>>(
        how: Spawn,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(make);
        let begin: Begin<M> = Arc::new(move |cell, tie| {
            let (incarnation, attempts) = cell.begin();
            let obituary = Obituary::new(Arc::clone(cell), incarnation, tie);
            let make = Arc::clone(&make);
            detach(TaskKind::Actor, live(obituary, attempts, move || make()));
            incarnation
        });
        let policy = Policy::new(Duration::from_secs(5));
        Self { how, kind: A::KIND, policy, begin, heir: None }
    }

    /// Who gets the messages that wait when it ends for good: it was given up, cut off before it had dealt with them, or never
    /// begun. Without an heir they are dropped. The one in hand is not among them, unless it is kept ([`Actor::keep`]). Called
    /// once at most, where it ends; a panic of it is contained.
    #[must_use]
    pub fn left_to(mut self, heir: impl Fn(VecDeque<M>) + Send + Sync + 'static) -> Self {
        self.heir = Some(Arc::new(heir));
        self
    }

    /// How many messages may wait for it; at least one.
    #[must_use]
    pub fn capacity(mut self, messages: usize) -> Self {
        self.how.capacity = messages;
        self
    }

    /// When it is restarted.
    #[must_use]
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.policy.restart = restart;
        self
    }

    /// How long it rests before it is restarted.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.policy.backoff = backoff;
        self
    }

    /// How long its `init` may take; it is killed then, which is an end like a crash.
    #[must_use]
    pub const fn start_within(mut self, span: Duration) -> Self {
        self.policy.start_within = span;
        self
    }

    /// How long it may take to stop; it is killed then.
    #[must_use]
    pub const fn stop_within(mut self, span: Duration) -> Self {
        self.policy.stop_within = span;
        self
    }

    /// How long it may take over one message until it counts as stuck. Its progress is looked at twice in that time, so that
    /// messages are not slowed, and it is noticed up to half of it later.
    #[must_use]
    pub const fn stuck_after(mut self, span: Duration, then: OnStuck) -> Self {
        self.policy.stuck = Some((span, then));
        self
    }

    pub(crate) fn planted(
        self,
        system: &Arc<Inner>,
        parent: Option<ActorId>,
    ) -> Arc<PlantedActor<M>> {
        let identity = (self.how.name, self.kind, parent);
        let cell = Cell::new(Arc::clone(system), system.next_id(), identity, self.how.capacity)
            .left_to(self.heir);
        Arc::new(PlantedActor { cell: Arc::new(cell), policy: self.policy, begin: self.begin })
    }
}

impl<M: Send + 'static> Seed for ChildSpec<M> {
    fn plant(self: Box<Self>, system: &Arc<Inner>, parent: Option<ActorId>) -> Arc<dyn Planted> {
        self.planted(system, parent)
    }
}

/// An actor in its supervisor's hands.
pub(crate) struct PlantedActor<M> {
    pub(crate) cell: Arc<Cell<M>>,
    policy: Policy,
    begin: Begin<M>,
}

impl<M: Send + 'static> Planted for PlantedActor<M> {
    fn node(&self) -> Arc<dyn Node> {
        let cell: Arc<Cell<M>> = Arc::clone(&self.cell);
        cell
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn enter(&self) -> Result<(), NameTaken> {
        self.cell.head.system.registry.enter(self.node())
    }

    fn begin(&self, tie: Tie) -> u32 {
        (self.begin)(&self.cell, tie)
    }

    fn forget(&self) {
        farewell(&*self.cell);
    }
}

/// A key that sorts as the actors were born.
pub(crate) fn key(planted: &dyn Planted) -> Key {
    Key(planted.node().head().id.0)
}
