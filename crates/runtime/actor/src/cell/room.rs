//! Waiting for room in a mailbox.

use std::task::{Context, Poll};

use super::Cell;
use super::lane::Lane;
use crate::mailbox::Delivery;
use crate::sync::atomic::Ordering;

/// A place among those that wait for room. Dropping it passes on the wake that it may have got.
struct Ticket<'a, M> {
    cell: &'a Cell<M>,
    number: Option<u64>,
}

impl<M> Cell<M> {
    /// Puts `message` in the mailbox, waiting for room. `Err` gives it back when the actor is gone. Dropping the future
    /// sends nothing.
    pub(crate) async fn post(&self, message: M) -> Result<(), M> {
        let mut message = match self.tell(message) {
            Delivery::Accepted => return Ok(()),
            Delivery::Gone(message) => return Err(message),
            Delivery::Full(message) => message,
        };
        let mut ticket = Ticket { cell: self, number: None };
        loop {
            std::future::poll_fn(|context| ticket.poll_room(context)).await;
            message = match self.tell(message) {
                Delivery::Accepted => return Ok(()),
                Delivery::Gone(message) => return Err(message),
                Delivery::Full(message) => message,
            };
        }
    }

    /// Wakes as many waiting senders as there is room for.
    pub(super) fn wake_senders(&self, lane: &mut Lane<M>) {
        if lane.senders.is_empty() {
            return;
        }
        let mut room = self.head.capacity.saturating_sub(self.waiting(lane));
        while room > 0
            && let Some((_, waker)) = lane.senders.pop_first()
        {
            waker.wake();
            room -= 1;
        }
        if lane.senders.is_empty() {
            self.head.crowded.store(false, Ordering::Relaxed);
        }
    }
}

impl<M> Ticket<'_, M> {
    fn poll_room(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut lane = self.cell.lane();
        if !lane.open || self.cell.has_room(&lane) {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            lane.tickets += 1;
            lane.tickets
        });
        lane.senders.insert(number, context.waker().clone());
        self.cell.head.crowded.store(true, Ordering::Relaxed);
        Poll::Pending
    }
}

impl<M> Drop for Ticket<'_, M> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut lane = self.cell.lane();
        if lane.senders.remove(&number).is_none() {
            self.cell.wake_senders(&mut lane);
        }
    }
}
