//! Waiting in the order of arrival.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Work that is done in the order in which it joined, whichever of it is ready first.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    places: Mutex<Places>,
    moved: Notify,
}

#[derive(Debug, Default)]
struct Places {
    next: u64,
    /// Each with whether it stands beside others of its kind.
    taken: BTreeMap<u64, bool>,
}

impl Inner {
    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a line. Dropping it leaves the line, so that those behind move up.
#[derive(Debug)]
#[must_use = "dropping a place leaves the line"]
pub struct Place {
    inner: Arc<Inner>,
    number: u64,
}

impl Line {
    /// Takes the place behind all that are taken. Never waits.
    pub fn join(&self) -> Place {
        self.take(false)
    }

    /// The same, beside those who joined so directly before: they all have their turn together.
    pub fn join_beside(&self) -> Place {
        self.take(true)
    }

    fn take(&self, beside: bool) -> Place {
        let mut places = self.0.places();
        let number = places.next;
        places.next += 1;
        places.taken.insert(number, beside);
        Place { inner: Arc::clone(&self.0), number }
    }
}

impl Place {
    /// Waits until all who joined before have left, but for those that it stands beside. Dropping the future keeps
    /// the place.
    pub async fn turn(&self) {
        loop {
            // Made before the look, so that a place left in between wakes it.
            let moved = self.inner.moved.notified();
            let reached = {
                let places = self.inner.places();
                let mut ahead = places.taken.range(..self.number);
                match places.taken.get(&self.number) {
                    Some(true) => ahead.all(|(_, beside)| *beside),
                    Some(false) | None => ahead.next().is_none(),
                }
            };
            if reached {
                return;
            }
            moved.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.places().taken.remove(&self.number);
        self.inner.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_order_is_that_of_joining() {
        let line = Line::default();
        let (first, second, third) = (line.join(), line.join(), line.join());
        let order = Mutex::new(Vec::new());
        let served = async |name: &'static str, place: Place| {
            place.turn().await;
            order.lock().unwrap().push(name);
        };
        tokio::join!(served("third", third), served("second", second), served("first", first));
        assert_eq!(*order.lock().unwrap(), ["first", "second", "third"]);
    }

    #[tokio::test]
    async fn who_stands_beside_waits_for_the_others_alone() {
        let line = Line::default();
        let (a, b, alone, c) =
            (line.join_beside(), line.join_beside(), line.join(), line.join_beside());
        b.turn().await;
        a.turn().await;
        drop(a);
        assert!(futures::poll!(Box::pin(alone.turn())).is_pending());
        assert!(futures::poll!(Box::pin(c.turn())).is_pending());
        drop(b);
        alone.turn().await;
        assert!(futures::poll!(Box::pin(c.turn())).is_pending());
        drop(alone);
        c.turn().await;
    }

    #[tokio::test]
    async fn who_leaves_holds_nobody_up() {
        let line = Line::default();
        let (first, second) = (line.join(), line.join());
        drop(first);
        second.turn().await;
        drop(second);
        line.join().turn().await;
    }
}
