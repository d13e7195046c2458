//! The place that actors live in: who is born, how all of it ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bottega_types::{Clock, Entropy, SystemClock, SystemEntropy};
use tokio::time::Instant;

use crate::actor::{Actor, ActorId};
use crate::cell::{Cell, Head, Node, Order};
use crate::life::live;
use crate::observation::{LifeEvent, Observation, Observer};
use crate::reference::{Ref, Stopped};
use crate::registry::{NameTaken, Registry};
use crate::supervision::{Supervisor, SupervisorRef};
use crate::task::{TaskKind, contain, detach};
use crate::tie::{Obituary, Tie};
use crate::tree::ActorView;

/// How many messages a mailbox holds unless told otherwise.
pub const CAPACITY: usize = 1024;

/// What a [`System`] is made of.
pub struct Options {
    /// Tells when things happened.
    pub clock: Arc<dyn Clock>,
    /// Spreads the pauses before restarts.
    pub entropy: Arc<dyn Entropy>,
    /// Is told of each event in an actor's life.
    pub observer: Option<Arc<dyn Observer>>,
    /// For tests: shuffles the order in which actors have their turn. On a single-threaded runtime with a paused clock one
    /// seed always gives one order.
    pub shuffle: Option<Arc<dyn Entropy>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            observer: None,
            shuffle: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// How one actor is born.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// What it is found by. No other living actor may have it.
    pub name: Option<Arc<str>>,
    /// How many messages may wait for it; at least one.
    pub capacity: usize,
}

impl Default for Spawn {
    fn default() -> Self {
        Self { name: None, capacity: CAPACITY }
    }
}

impl Spawn {
    /// An actor of this name.
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// With room for so many messages.
    #[must_use]
    pub const fn capacity(mut self, messages: usize) -> Self {
        self.capacity = messages;
        self
    }
}

/// What all actors of a system share.
pub(crate) struct Inner {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) registry: Registry,
    observer: Option<Arc<dyn Observer>>,
    shuffle: Option<Arc<dyn Entropy>>,
    born: AtomicU64,
    origin: Instant,
}

impl Inner {
    pub(crate) fn next_id(&self) -> ActorId {
        ActorId(self.born.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Time since the system began, on the runtime's clock.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// The runtime's moment at which [`Inner::now`] says `at`.
    pub(crate) fn moment(&self, at: Duration) -> Instant {
        self.origin + at
    }

    pub(crate) fn observe(&self, head: &Head, event: LifeEvent) {
        let Some(observer) = &self.observer else { return };
        let observation = Observation {
            at: self.clock.now(),
            id: head.id,
            name: head.name.clone(),
            kind: head.kind,
            parent: head.parent,
            event,
        };
        // There is nobody to tell of an observer's own trouble.
        drop(contain(|| observer.observe(&observation)));
    }

    /// Lets others go first, as the seed says.
    pub(crate) async fn shake(&self) {
        if let Some(shuffle) = &self.shuffle {
            for _ in 0..shuffle.bits() % 3 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// A place that actors live in, on one tokio runtime. Dropping it kills all of them; [`System::shutdown`] is the orderly way.
pub struct System(Arc<Inner>);

impl Default for System {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").finish_non_exhaustive()
    }
}

/// What a shutdown could not end in good order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Killed at the deadline.
    pub killed: Vec<ActorId>,
    /// Not to be ended, since they hold their threads.
    pub abandoned: Vec<ActorId>,
}

impl System {
    /// An empty one.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Inner {
            clock: options.clock,
            entropy: options.entropy,
            registry: Registry::default(),
            observer: options.observer,
            shuffle: options.shuffle,
            born: AtomicU64::new(0),
            origin: Instant::now(),
        }))
    }

    /// Starts an actor that nobody restarts, on the runtime that the caller runs on. Returns before its `init` ran: messages
    /// wait until then.
    pub fn spawn<A: Actor>(&self, how: Spawn, actor: A) -> Result<Ref<A::Message>, NameTaken> {
        spawn(&self.0, how, None, actor)
    }

    /// Starts a supervisor with its children, on the runtime that the caller runs on. Returns before they are up;
    /// [`SupervisorRef::ready`] waits for that.
    pub fn supervise(&self, supervisor: Supervisor) -> Result<SupervisorRef, NameTaken> {
        supervisor.start(&self.0)
    }

    /// Finds the living actor of that name, if its messages are of type `M`.
    #[must_use]
    pub fn find<M: Send + 'static>(&self, name: &str) -> Option<Ref<M>> {
        self.0.registry.find(name)
    }

    /// All living actors, in order of birth, so that each comes after its parent. Looks at one after the other: the whole is
    /// not one moment. Costs a lock per actor, and no actor waits for the whole of it.
    #[must_use]
    pub fn tree(&self) -> Vec<ActorView> {
        self.0.registry.all().iter().map(|node| ActorView::of(&**node)).collect()
    }

    /// Stops everything: what was started last at the root ends first, each after it dealt with what it had accepted. From
    /// the deadline on the rest is killed.
    pub async fn shutdown(&self, span: Duration) -> Leftovers {
        let deadline = Instant::now() + span;
        let mut leftovers = Leftovers::default();
        let mut roots = self.0.registry.all();
        roots.retain(|node| node.head().parent.is_none());
        for node in roots.iter().rev() {
            let left = deadline.saturating_duration_since(Instant::now());
            match crate::reference::stop(&**node, left).await {
                Stopped::InTime(_) => {}
                Stopped::Killed => leftovers.killed.push(node.head().id),
                Stopped::Abandoned => leftovers.abandoned.push(node.head().id),
            }
        }
        leftovers
    }
}

#[cfg(test)]
impl System {
    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for node in self.0.registry.all().iter().rev() {
            node.order(Order::Kill);
        }
    }
}

/// Starts an actor below `parent` that nobody restarts.
pub(crate) fn spawn<A: Actor>(
    system: &Arc<Inner>,
    how: Spawn,
    parent: Option<ActorId>,
    actor: A,
) -> Result<Ref<A::Message>, NameTaken> {
    let identity = (how.name, A::KIND, parent);
    let cell = Arc::new(Cell::new(Arc::clone(system), system.next_id(), identity, how.capacity));
    system.registry.enter(Arc::clone(&cell) as Arc<dyn Node>)?;
    let (incarnation, attempts) = cell.begin();
    let obituary = Obituary::new(Arc::clone(&cell), incarnation, Tie::Nobody);
    detach(TaskKind::Actor, live(obituary, attempts, move || actor));
    Ok(Ref(cell))
}
