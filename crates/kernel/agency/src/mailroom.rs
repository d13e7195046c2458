//! The durable messages of one agent that are under way.
//!
//! What is stored stands in the journal; here is only what has not been handled yet, in its order, with how often it was
//! begun. All of it is found again in the journal when the process is another one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bottega_actor::{Delivery, Ref};
use bottega_event::{HandledStep, StreamId};
use bottega_types::MessageId;

use crate::cancels::Cancels;
use crate::parcel::Parcel;

/// How often a durable message is begun before it is a dead letter.
pub(crate) const ATTEMPTS: u32 = 3;

/// The durable messages of one agent that are under way.
pub(crate) struct Mailroom {
    pub(crate) stream: StreamId,
    /// The most that may be under way.
    most: usize,
    room: Mutex<Room>,
    /// Whether stored messages wait for room in the mailbox. What came later does not pass them.
    crowded: AtomicBool,
    /// The same, and perhaps no more: whoever takes something out of the mailbox looks.
    look: AtomicBool,
    /// What was taken back.
    pub(crate) cancels: Cancels,
}

/// A message that was handled, and the step of that where it belongs to a trace.
pub(crate) type Done = (MessageId, Option<HandledStep>);

/// A message that is a dead letter, and why.
pub(crate) type GivenUp = (MessageId, String);

#[derive(Default)]
struct Room {
    /// Stored, and not in the mailbox yet: it was full, or the agent is stopped.
    waiting: VecDeque<Parcel>,
    /// About to be stored.
    storing: usize,
    /// Stored, and not handled.
    stored: usize,
    /// Found in the journal while others were being stored: these may arrive once more, from whoever stored them.
    found: HashSet<MessageId>,
    begun: HashMap<MessageId, u32>,
    /// Handled, and not stored as such yet.
    done: Vec<Done>,
    /// Given up, and not stored as dead letters yet.
    given_up: Vec<GivenUp>,
    /// The clerk knows that something is done.
    called: bool,
}

impl fmt::Debug for Mailroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailroom").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Mailroom {
    pub(crate) fn new(stream: StreamId, most: usize) -> Self {
        let (crowded, look) = (AtomicBool::new(false), AtomicBool::new(false));
        let (room, cancels) = (Mutex::default(), Cancels::default());
        Self { stream, most, room, crowded, look, cancels }
    }

    /// Every change under this lock is whole when it is given back, so a poisoned one still guards whole data.
    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a place for one more message; false when there is none.
    pub(crate) fn reserve(&self) -> bool {
        let mut room = self.room();
        let fits = room.storing + room.stored < self.most;
        room.storing += usize::from(fits);
        fits
    }

    /// Gives a place back: its message was not stored.
    pub(crate) fn release(&self) {
        self.room().settled();
    }

    /// Forgets what is stored: it is about to be found in the journal again. What is about to be stored keeps its place.
    pub(crate) fn reset(&self) {
        let mut room = self.room();
        room.waiting.clear();
        self.crowded.store(false, Ordering::SeqCst);
        self.cancels.reset();
        // How often each was begun stays known: whoever ends over one each time is not begun over it for ever.
        room.stored = 0;
    }

    /// Messages that were found in the journal take their places, whether there are some or not, before those that came
    /// meanwhile.
    pub(crate) fn recover(&self, parcels: Vec<Parcel>) {
        let mut room = self.room();
        let came: Vec<MessageId> = room.waiting.iter().filter_map(Parcel::id).collect();
        let fresh = |parcel: &Parcel| parcel.id().is_none_or(|id| !came.contains(&id));
        for parcel in parcels.into_iter().rev().filter(fresh) {
            if room.storing > 0 {
                room.found.extend(parcel.id());
            }
            room.stored += 1;
            parcel.message().into_iter().for_each(|it| self.cancels.note(it));
            room.waiting.push_front(parcel);
        }
    }

    /// A message was stored: it waits behind those that do.
    pub(crate) fn arrive(&self, parcel: Parcel) {
        let mut room = self.room();
        let known = parcel.id().is_some_and(|id| room.found.remove(&id));
        room.settled();
        if known {
            return;
        }
        room.stored += 1;
        parcel.message().into_iter().for_each(|it| self.cancels.note(it));
        room.waiting.push_back(parcel);
    }

    /// Puts into the mailbox what waits, as far as there is room.
    pub(crate) fn fill(&self, mailbox: &Ref<Parcel>) {
        let mut room = self.room();
        // Said before the mailbox is tried, so that one who empties it meanwhile comes back for the rest.
        self.look.store(!room.waiting.is_empty(), Ordering::SeqCst);
        room.fill(mailbox);
        let crowded = !room.waiting.is_empty();
        self.crowded.store(crowded, Ordering::SeqCst);
        self.look.store(crowded, Ordering::SeqCst);
    }

    /// Puts into the mailbox what waits, if anything does: something was taken out of it.
    pub(crate) fn fill_up(&self, mailbox: &Ref<Parcel>) {
        if self.look.load(Ordering::SeqCst) {
            self.fill(mailbox);
        }
    }

    /// Whether stored messages wait for room in the mailbox.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Acquire)
    }

    /// A message is begun; how often it was, this time included.
    pub(crate) fn begin(&self, id: MessageId, before: u32) -> u32 {
        let mut room = self.room();
        let attempt = room.begun.entry(id).or_insert(before);
        *attempt += 1;
        *attempt
    }

    /// A message was begun, and that does not count.
    pub(crate) fn take_back(&self, id: MessageId) {
        if let Some(attempt) = self.room().begun.get_mut(&id) {
            *attempt = attempt.saturating_sub(1);
        }
    }

    /// A message was handled. Whether the clerk has to be called.
    pub(crate) fn handled(&self, id: MessageId, step: Option<HandledStep>) -> bool {
        let mut room = self.room();
        room.stored = room.stored.saturating_sub(1);
        room.begun.remove(&id);
        room.done.push((id, step));
        !std::mem::replace(&mut room.called, true)
    }

    /// A message is not begun again.
    pub(crate) fn forget(&self, id: MessageId) {
        let mut room = self.room();
        room.stored = room.stored.saturating_sub(1);
        room.begun.remove(&id);
    }

    /// A message is given up, by whoever can't wait until that is stored. Whether the clerk has to be called.
    pub(crate) fn gave_up(&self, id: MessageId, words: String) -> bool {
        let mut room = self.room();
        room.stored = room.stored.saturating_sub(1);
        room.begun.remove(&id);
        room.given_up.push((id, words));
        !std::mem::replace(&mut room.called, true)
    }

    /// What was given up since this was asked last.
    pub(crate) fn take_given_up(&self) -> Vec<GivenUp> {
        std::mem::take(&mut self.room().given_up)
    }

    /// What was handled since this was asked last.
    pub(crate) fn take_done(&self) -> Vec<Done> {
        let mut room = self.room();
        room.called = false;
        std::mem::take(&mut room.done)
    }

    /// The clerk could not be called.
    pub(crate) fn not_called(&self) {
        self.room().called = false;
    }

    /// What could not be stored as handled, or as given up, is so all the same.
    pub(crate) fn put_back(&self, mut done: Vec<Done>, mut given_up: Vec<GivenUp>) {
        let mut room = self.room();
        done.append(&mut room.done);
        room.done = done;
        given_up.append(&mut room.given_up);
        room.given_up = given_up;
    }

    /// How many are under way.
    pub(crate) fn under_way(&self) -> usize {
        let room = self.room();
        room.storing + room.stored
    }
}

impl Room {
    /// One message less is about to be stored.
    fn settled(&mut self) {
        self.storing = self.storing.saturating_sub(1);
        if self.storing == 0 {
            self.found.clear();
        }
    }

    fn fill(&mut self, mailbox: &Ref<Parcel>) {
        while let Some(parcel) = self.waiting.pop_front() {
            match mailbox.tell(parcel) {
                Delivery::Accepted => {}
                Delivery::Full(parcel) | Delivery::Gone(parcel) => {
                    self.waiting.push_front(parcel);
                    return;
                }
            }
        }
    }
}
