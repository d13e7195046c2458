//! What one actor is made of besides its state: who it is, its mailbox, its priority lane. One allocation, which lives
//! through restarts.

mod lane;
mod room;

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use bottega_types::Timestamp;

use crate::actor::{ActorId, Ending};
use crate::mailbox::Delivery;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::system::Inner;
use crate::task::contain;
use crate::tree::State;
use crate::watch::{Notice, Watch};

use lane::Lane;
pub(crate) use lane::{Next, Order};

/// What an actor writes for every message: on a cache line of its own, so that senders, who read what stands beside it, don't
/// wait for it.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Progress {
    /// Messages begun of the batch that the actor took last.
    begun: AtomicUsize,
    pub(crate) handled: AtomicU64,
}

/// Who an actor is, and what can be seen of it without a lock.
pub(crate) struct Head {
    pub(crate) id: ActorId,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) kind: &'static str,
    pub(crate) parent: Option<ActorId>,
    pub(crate) system: Arc<Inner>,
    pub(crate) capacity: usize,
    state: AtomicU8,
    pub(crate) progress: Progress,
    incarnation: AtomicU32,
    /// Milliseconds since the epoch.
    started_at: AtomicU64,
    /// Something lies in the priority lane; read before each message.
    urgent: AtomicBool,
    /// Somebody waits for room.
    crowded: AtomicBool,
    last_error: Mutex<Option<Arc<str>>>,
}

impl Head {
    pub(crate) fn state(&self) -> State {
        State::from_number(self.state.load(Ordering::Relaxed))
    }

    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn last_error(&self) -> Option<Arc<str>> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it was begun anew.
    pub(crate) fn restarts(&self) -> u32 {
        self.incarnation.load(Ordering::Relaxed).saturating_sub(1)
    }

    pub(crate) fn started_at(&self) -> Timestamp {
        Timestamp::from_millis(self.started_at.load(Ordering::Relaxed))
    }
}

/// An actor, whatever its messages are.
pub(crate) trait Node: Any + Send + Sync {
    fn head(&self) -> &Head;
    /// Messages that wait.
    fn depth(&self) -> usize;
    /// Whether it deals with something at this moment.
    fn is_busy(&self) -> bool;
    /// Gives an order; a weaker one than stands is ignored.
    fn order(&self, order: Order);
    /// Puts something in the priority lane, unless the actor is over.
    fn notice(&self, notice: Notice);
    /// Registers an interest in the end of this incarnation; gives it back when there is none to wait for.
    fn watch(&self, watch: Watch) -> Result<(), Watch>;
    /// Ends the interest of that actor.
    fn unwatch(&self, watcher: ActorId);
    /// Ends an incarnation: who is to be told of it, or nothing if a later one was begun.
    fn incarnation_over(&self, incarnation: u32, ending: &Ending) -> Option<Vec<Watch>>;
    /// How the last incarnation ended; `Normal` if there was none.
    fn last_ending(&self) -> Ending;
    /// Ends it for good: nothing is accepted any more, what waits is dropped.
    fn finish(&self, state: State);
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// Takes what nobody will deal with any more.
pub(crate) type Heir<M> = Arc<dyn Fn(VecDeque<M>) + Send + Sync>;

/// One actor with messages of type `M`.
pub(crate) struct Cell<M> {
    pub(crate) head: Head,
    /// Who takes what waits when it ends for good; nobody, where that is dropped.
    heir: Option<Heir<M>>,
    lane: Mutex<Lane<M>>,
}

/// What the actor took from its mailbox in one go. What is left of it goes back when this is dropped.
pub(crate) struct Batch<'a, M> {
    cell: &'a Cell<M>,
    incarnation: u32,
    queue: VecDeque<M>,
    taken: usize,
}

/// A buffer of more bytes is given back when the actor has nothing to do: there may be very many who wait.
const KEPT_BYTES: usize = 1024;

impl<M> Cell<M> {
    pub(crate) fn new(
        system: Arc<Inner>,
        id: ActorId,
        (name, kind, parent): (Option<Arc<str>>, &'static str, Option<ActorId>),
        capacity: usize,
    ) -> Self {
        Self {
            head: Head {
                id,
                name,
                kind,
                parent,
                system,
                capacity: capacity.max(1),
                state: AtomicU8::new(State::Starting as u8),
                progress: Progress::default(),
                incarnation: AtomicU32::new(0),
                started_at: AtomicU64::new(0),
                urgent: AtomicBool::new(false),
                crowded: AtomicBool::new(false),
                last_error: Mutex::new(None),
            },
            heir: None,
            lane: Mutex::new(Lane::new()),
        }
    }

    /// With somebody who takes what waits when it ends for good.
    pub(crate) fn left_to(self, heir: Option<Heir<M>>) -> Self {
        Self { heir, ..self }
    }

    /// Every change under this lock is one step, so a poisoned one still guards whole data. Messages are dropped outside of
    /// it.
    fn lane(&self) -> MutexGuard<'_, Lane<M>> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a new incarnation: its number, from 1, and how often its first message was begun before.
    pub(crate) fn begin(&self) -> (u32, u32) {
        let mut lane = self.lane();
        lane.open = true;
        lane.ended = false;
        lane.order = None;
        lane.idle = None;
        lane.busy = None;
        let incarnation = self.head.incarnation.fetch_add(1, Ordering::Relaxed) + 1;
        self.head.set_state(State::Starting);
        (incarnation, lane.attempts)
    }

    /// Whether a later incarnation was begun, although this one could not be ended.
    fn is_past(&self, incarnation: u32) -> bool {
        self.head.incarnation.load(Ordering::Relaxed) != incarnation
    }

    /// Takes the order that stands, so that what comes next can be seen.
    pub(crate) fn take_order(&self) -> Option<Order> {
        self.lane().order.take()
    }

    pub(crate) fn set_started(&self, at: Timestamp) {
        self.head.started_at.store(at.as_millis(), Ordering::Relaxed);
        self.head.set_state(State::Running);
    }

    pub(crate) fn set_error(&self, words: &str) {
        *self.head.last_error.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::from(words));
    }

    /// Messages that wait; the ones that were begun don't.
    fn waiting(&self, lane: &Lane<M>) -> usize {
        let begun = self.head.progress.begun.load(Ordering::Relaxed);
        lane.messages.len() + lane.taken.saturating_sub(begun)
    }

    fn has_room(&self, lane: &Lane<M>) -> bool {
        // The second look reads what the actor writes for every message, so it is taken only when it matters.
        lane.messages.len() + lane.taken < self.head.capacity
            || self.waiting(lane) < self.head.capacity
    }

    pub(crate) fn tell(&self, message: M) -> Delivery<M> {
        let mut lane = self.lane();
        if !lane.open {
            return Delivery::Gone(message);
        }
        if !self.has_room(&lane) {
            return Delivery::Full(message);
        }
        lane.messages.push_back(message);
        let idle = lane.idle.take();
        drop(lane);
        if let Some(waker) = idle {
            waker.wake();
        }
        Delivery::Accepted
    }

    /// Puts a message in front of those that wait, whether there is room or not. Gives it back when nobody takes it.
    pub(crate) fn put_first(&self, message: M) -> Result<(), M> {
        let mut lane = self.lane();
        if !lane.open {
            return Err(message);
        }
        lane.messages.push_front(message);
        let idle = lane.idle.take();
        drop(lane);
        if let Some(waker) = idle {
            waker.wake();
        }
        Ok(())
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lane().open
    }

    pub(crate) fn batch(&self, incarnation: u32) -> Batch<'_, M> {
        Batch { cell: self, incarnation, queue: VecDeque::new(), taken: 0 }
    }

    /// Whether the actor is to be killed; if not, `context` is woken when it is.
    pub(crate) fn poll_kill(&self, incarnation: u32, context: &Context<'_>) -> bool {
        let mut lane = self.lane();
        if lane.order == Some(Order::Kill) || self.is_past(incarnation) {
            return true;
        }
        if !lane.busy.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            lane.busy = Some(context.waker().clone());
        }
        // A sender may have begun to wait while the count of begun messages rose.
        self.wake_senders(&mut lane);
        false
    }

    /// Puts a message that the actor crashed over in front of all others.
    pub(crate) fn redeliver(&self, message: M, attempts: u32) {
        let mut lane = self.lane();
        lane.messages.push_front(message);
        lane.attempts = attempts;
        // Nobody waits, unless it crashed after it was left behind.
        let idle = lane.idle.take();
        drop(lane);
        if let Some(waker) = idle {
            waker.wake();
        }
    }

    pub(crate) fn forget_attempts(&self) {
        self.lane().attempts = 0;
    }

    /// Leaves all that waits to the heir, or drops it, each contained.
    fn empty(&self) {
        loop {
            let mut lane = self.lane();
            let (messages, notices) =
                (std::mem::take(&mut lane.messages), std::mem::take(&mut lane.notices));
            lane.taken = 0;
            drop(lane);
            if messages.is_empty() && notices.is_empty() {
                return;
            }
            // The actor is over: there is nobody left to blame for a panic.
            match &self.heir {
                Some(_) if messages.is_empty() => {}
                Some(heir) => drop(contain(|| heir(messages))),
                None => messages.into_iter().for_each(|it| drop(contain(|| drop(it)))),
            }
        }
    }
}

impl<M> Batch<'_, M> {
    /// What is next: a kill, a signal, an order to pause, a message, the end of a drained mailbox. Dropping the future
    /// loses nothing.
    pub(crate) async fn next(&mut self) -> Next<M> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    pub(crate) fn poll_next(&mut self, context: &Context<'_>) -> Poll<Next<M>> {
        let head = &self.cell.head;
        if !head.urgent.load(Ordering::Acquire)
            && !self.cell.is_past(self.incarnation)
            && let Some(message) = self.pop()
        {
            return Poll::Ready(Next::Message(message));
        }
        let mut lane = self.cell.lane();
        if self.cell.is_past(self.incarnation) {
            return Poll::Ready(Next::Order(Order::Kill));
        }
        lane.idle = None;
        if let Some(next) = lane.pressing() {
            return Poll::Ready(next);
        }
        head.urgent.store(false, Ordering::Release);
        if self.queue.is_empty() {
            head.progress.begun.store(0, Ordering::Relaxed);
            std::mem::swap(&mut self.queue, &mut lane.messages);
            self.taken = self.queue.len();
            lane.taken = self.taken;
            // One that began to wait while the last of the old batch was begun may not have been seen then.
            self.cell.wake_senders(&mut lane);
            if self.taken == 0 {
                if lane.order == Some(Order::Drain) {
                    return Poll::Ready(Next::Order(Order::Drain));
                }
                give_back(&mut lane.messages);
                give_back(&mut self.queue);
                lane.idle = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        drop(lane);
        match self.pop() {
            Some(message) => Poll::Ready(Next::Message(message)),
            None => Poll::Pending,
        }
    }

    fn pop(&mut self) -> Option<M> {
        let message = self.queue.pop_front()?;
        let head = &self.cell.head;
        head.progress.begun.store(self.taken - self.queue.len(), Ordering::Relaxed);
        if head.crowded.load(Ordering::Relaxed) {
            self.cell.wake_senders(&mut self.cell.lane());
        }
        Some(message)
    }
}

fn give_back<M>(buffer: &mut VecDeque<M>) {
    if buffer.capacity() * size_of::<M>() > KEPT_BYTES {
        *buffer = VecDeque::new();
    }
}

impl<M> Drop for Batch<'_, M> {
    fn drop(&mut self) {
        let mut lane = self.cell.lane();
        if !self.cell.is_past(self.incarnation) {
            lane.taken = 0;
            self.cell.head.progress.begun.store(0, Ordering::Relaxed);
            lane.idle = None;
            lane.busy = None;
        }
        let mut idle = None;
        if !self.queue.is_empty() {
            self.queue.append(&mut lane.messages);
            std::mem::swap(&mut self.queue, &mut lane.messages);
            // Who was begun after this one was left behind may wait for them.
            idle = lane.idle.take();
        }
        self.cell.wake_senders(&mut lane);
        drop(lane);
        if let Some(waker) = idle {
            waker.wake();
        }
    }
}

impl<M: Send + 'static> Node for Cell<M> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn depth(&self) -> usize {
        self.waiting(&self.lane())
    }

    fn is_busy(&self) -> bool {
        let lane = self.lane();
        !lane.ended && lane.idle.is_none()
    }

    fn order(&self, order: Order) {
        let mut lane = self.lane();
        if lane.ended || lane.order >= Some(order) {
            return;
        }
        lane.order = Some(order);
        match order {
            // What comes later would not be dealt with.
            Order::Drain => lane.open = false,
            Order::Pause | Order::Kill => {}
        }
        self.head.set_state(State::Stopping);
        self.head.urgent.store(true, Ordering::Release);
        let busy = if order == Order::Kill { lane.busy.take() } else { None };
        let idle = lane.idle.take();
        let senders = if lane.open { Vec::new() } else { lane.all_senders() };
        drop(lane);
        [busy, idle].into_iter().flatten().chain(senders).for_each(std::task::Waker::wake);
    }

    fn notice(&self, notice: Notice) {
        let mut lane = self.lane();
        if lane.ended {
            return;
        }
        lane.notices.push_back(notice);
        self.head.urgent.store(true, Ordering::Release);
        let idle = lane.idle.take();
        drop(lane);
        if let Some(waker) = idle {
            waker.wake();
        }
    }

    fn watch(&self, watch: Watch) -> Result<(), Watch> {
        let mut lane = self.lane();
        if lane.ended {
            return Err(watch);
        }
        lane.watches.push(watch);
        Ok(())
    }

    fn unwatch(&self, watcher: ActorId) {
        self.lane().watches.retain(|watch| !watch.is_of(watcher));
    }

    fn incarnation_over(&self, incarnation: u32, ending: &Ending) -> Option<Vec<Watch>> {
        let mut lane = self.lane();
        if self.is_past(incarnation) {
            return None;
        }
        lane.ended = true;
        lane.ending = Some(ending.clone());
        lane.notices.clear();
        lane.busy = None;
        lane.idle = None;
        Some(std::mem::take(&mut lane.watches))
    }

    fn last_ending(&self) -> Ending {
        self.lane().ending.clone().unwrap_or(Ending::Normal)
    }

    fn finish(&self, state: State) {
        let senders = {
            let mut lane = self.lane();
            lane.open = false;
            lane.attempts = 0;
            lane.all_senders()
        };
        self.head.set_state(state);
        senders.into_iter().for_each(std::task::Waker::wake);
        self.empty();
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

#[cfg(test)]
#[cfg(feature = "loom")]
mod models;
#[cfg(test)]
#[cfg(not(feature = "loom"))]
mod tests;
