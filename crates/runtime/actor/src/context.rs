//! What an actor can do from inside its methods.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::actor::{Actor, ActorId, Ending};
use crate::cell::{Cell, Node, Order};
use crate::reference::{AnyRef, Ref};
use crate::registry::NameTaken;
use crate::system::Spawn;
use crate::watch::{Down, MOST_WATCHES, Notice, Signal, TooManyWatches, Watch};

/// An actor's own view of itself, lent to each of its methods. It belongs to one incarnation.
pub struct Context<M> {
    me: Ref<M>,
    stopping: bool,
    incarnation: u32,
    /// Those that it spawned and that may still live.
    children: Vec<Weak<dyn Node>>,
    /// Those that it monitors or is linked to.
    watched: HashMap<ActorId, Weak<dyn Node>>,
}

impl<M> std::fmt::Debug for Context<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("id", &self.me.0.head.id).finish_non_exhaustive()
    }
}

impl<M: Send + 'static> Context<M> {
    pub(crate) fn new(cell: Arc<Cell<M>>, incarnation: u32) -> Self {
        Self {
            me: Ref(cell),
            stopping: false,
            incarnation,
            children: Vec::new(),
            watched: HashMap::new(),
        }
    }

    /// The way to itself, to hand to others.
    #[must_use]
    pub const fn me(&self) -> &Ref<M> {
        &self.me
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.me.0.head.id
    }

    /// Which incarnation this is, from 1.
    #[must_use]
    pub const fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// Ends this incarnation as [`Ending::Normal`](crate::Ending::Normal) after the method that is running. What waits in
    /// the mailbox is left for the next incarnation, if there is one.
    pub const fn stop(&mut self) {
        self.stopping = true;
    }

    pub(crate) const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Starts an actor that is killed when this incarnation ends, if not over by then. For children that are restarted,
    /// use a [`Supervisor`](crate::Supervisor).
    pub fn spawn<A: Actor>(&mut self, how: Spawn, actor: A) -> Result<Ref<A::Message>, NameTaken> {
        let system = Arc::clone(&self.me.0.head.system);
        let child = crate::system::spawn(&system, how, Some(self.id()), actor)?;
        if self.children.len() == self.children.capacity() {
            self.children.retain(|child| child.strong_count() > 0);
        }
        let node: Arc<dyn Node> = Arc::clone(&child.0) as _;
        self.children.push(Arc::downgrade(&node));
        Ok(child)
    }

    /// Finds the living actor of that name, if its messages are of type `T`.
    #[must_use]
    pub fn find<T: Send + 'static>(&self, name: &str) -> Option<Ref<T>> {
        self.me.0.head.system.registry.find(name)
    }

    /// Asks to be told, once, by [`Signal::Down`] when the present incarnation of `other` ends. If it has ended, that is
    /// now.
    pub fn monitor(&mut self, other: &impl AnyRef) -> Result<(), TooManyWatches> {
        self.watch(&other.node(), Watch::Monitor, Signal::Down).map(|_| ())
    }

    /// Ties the two together: when the present incarnation of either ends, the other is told by [`Signal::Linked`], and
    /// unless it overrides [`Actor::signal`] it crashes of the other's crash.
    pub fn link(&mut self, other: &impl AnyRef) -> Result<(), TooManyWatches> {
        let node = other.node();
        let back = Watch::Link(Arc::downgrade(&node));
        if self.watch(&node, Watch::Link, Signal::Linked)? == Watched::Living {
            // It runs this method, so its own incarnation is not over.
            drop(self.me.0.watch(back));
        }
        Ok(())
    }

    /// Takes back every monitor and link on `other`, and its links to this one. Signals that wait already are still told.
    pub fn unwatch(&mut self, other: &impl AnyRef) {
        let node = other.node();
        node.unwatch(self.id());
        self.me.0.unwatch(node.head().id);
        self.watched.remove(&node.head().id);
    }

    fn weak(&self) -> Weak<dyn Node> {
        let node: Arc<dyn Node> = Arc::clone(&self.me.0) as _;
        Arc::downgrade(&node)
    }

    fn watch(
        &mut self,
        node: &Arc<dyn Node>,
        watch: fn(Weak<dyn Node>) -> Watch,
        signal: fn(Down) -> Signal,
    ) -> Result<Watched, TooManyWatches> {
        let id = node.head().id;
        if self.watched.len() >= MOST_WATCHES && !self.watched.contains_key(&id) {
            return Err(TooManyWatches);
        }
        if node.watch(watch(self.weak())).is_ok() {
            self.watched.insert(id, Arc::downgrade(node));
            return Ok(Watched::Living);
        }
        let down = Down { id, name: node.head().name.clone(), ending: Ending::Killed };
        self.me.0.notice(Notice::Watch(signal(down)));
        Ok(Watched::Over)
    }

    /// An actor that was watched ended, which this one is about to be told.
    pub(crate) fn watch_is_over(&mut self, signal: &Signal) {
        let (Signal::Down(down) | Signal::Linked(down)) = signal;
        self.watched.remove(&down.id);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    Living,
    Over,
}

impl<M> Drop for Context<M> {
    fn drop(&mut self) {
        for child in self.children.drain(..).filter_map(|child| child.upgrade()) {
            child.order(Order::Kill);
        }
        for watched in self.watched.drain().filter_map(|(_, watched)| watched.upgrade()) {
            watched.unwatch(self.me.0.head.id);
        }
    }
}
