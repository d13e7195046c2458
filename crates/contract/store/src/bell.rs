//! How a subscription learns that the journal has grown: a bell, and the stream that listens to it.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use bottega_event::{Position, Record};
use futures::future::BoxFuture;
use futures::stream;

use crate::{StoreError, Subscription};

/// Wakes everybody who waits for the journal to grow.
///
/// Rings are counted, so that one between a look at the store and the wait is not missed: take
/// [`count`](Self::count) first, look, then wait with [`rung_after`](Self::rung_after). Ringing never
/// waits for a listener, and listeners of which nobody cares any more are forgotten at the next ring.
#[derive(Default)]
pub struct Bell(Mutex<State>);

#[derive(Default)]
struct State {
    count: u64,
    closed: bool,
    waiting: Vec<Waker>,
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Bell {
    /// How often it has rung.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state().count
    }

    /// Rings: the journal may have grown.
    pub fn ring(&self) {
        self.wake(|state| state.count += 1);
    }

    /// Rings for the last time: the store is closing.
    pub fn close(&self) {
        self.wake(|state| state.closed = true);
    }

    /// Waits until it has rung more often than `count`; [`StoreError::Closing`] when it never will again.
    pub async fn rung_after(&self, count: u64) -> Result<(), StoreError> {
        poll_fn(|context| {
            let mut state = self.state();
            if state.count > count {
                return Poll::Ready(Ok(()));
            }
            if state.closed {
                return Poll::Ready(Err(StoreError::Closing));
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn wake(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.state();
            change(&mut state);
            std::mem::take(&mut state.waiting)
        };
        // Outside of the lock: a waker may run the listener on this very thread.
        waiting.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way, so a poisoned lock still guards a whole state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that a subscription reads at a time; also the most that it holds in memory.
const PAGE: usize = 256;

struct Follower<R> {
    bell: Arc<Bell>,
    read: R,
    after: Position,
    page: VecDeque<Arc<Record>>,
    ended: bool,
}

/// The subscription of any journal that can be read and rings `bell` after each append.
///
/// It reads pages from the store through `read` (after a position, at most so many records) and waits for
/// the bell when it has read everything. So a slow reader costs writers nothing and memory one page.
pub fn follow<R>(bell: Arc<Bell>, after: Position, read: R) -> Subscription
where
    R: Fn(Position, usize) -> BoxFuture<'static, Result<Vec<Record>, StoreError>> + Send + 'static,
{
    let follower = Follower { bell, read, after, page: VecDeque::new(), ended: false };
    Box::pin(stream::unfold(follower, async |mut follower| {
        if follower.ended {
            return None;
        }
        let item = follower.next().await;
        follower.ended = item.is_err();
        Some((item, follower))
    }))
}

impl<R> Follower<R>
where
    R: Fn(Position, usize) -> BoxFuture<'static, Result<Vec<Record>, StoreError>>,
{
    async fn next(&mut self) -> Result<Arc<Record>, StoreError> {
        loop {
            if let Some(record) = self.page.pop_front() {
                self.after = record.position;
                return Ok(record);
            }
            let count = self.bell.count();
            let page = (self.read)(self.after, PAGE).await?;
            if page.is_empty() {
                self.bell.rung_after(count).await?;
            }
            self.page.extend(page.into_iter().map(Arc::new));
        }
    }
}
