//! What lies behind a cell's lock.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use crate::actor::Ending;
use crate::watch::{Notice, Watch};

/// How an actor is to end. A later one of these overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Accept nothing more, deal with what was accepted, then stop.
    Drain,
    /// Stop after the message in hand; the mailbox stays for the next incarnation.
    Pause,
    /// Stop at the next await point.
    Kill,
}

/// What an actor deals with next.
pub(crate) enum Next<M> {
    Order(Order),
    Notice(Notice),
    Message(M),
}

pub(super) struct Lane<M> {
    pub(super) messages: VecDeque<M>,
    /// Size of the batch that the actor took last.
    pub(super) taken: usize,
    /// How often the first message was begun by incarnations that crashed over it.
    pub(super) attempts: u32,
    /// Whether messages are accepted.
    pub(super) open: bool,
    /// Whether the incarnation is over, or none was begun yet.
    pub(super) ended: bool,
    /// How the last incarnation ended.
    pub(super) ending: Option<Ending>,
    pub(super) order: Option<Order>,
    pub(super) notices: VecDeque<Notice>,
    /// Woken by whatever comes.
    pub(super) idle: Option<Waker>,
    /// Woken by a kill.
    pub(super) busy: Option<Waker>,
    /// Senders that wait for room, in the order of their coming.
    pub(super) senders: BTreeMap<u64, Waker>,
    pub(super) tickets: u64,
    pub(super) watches: Vec<Watch>,
}

impl<M> Lane<M> {
    pub(super) fn new() -> Self {
        Self {
            messages: VecDeque::new(),
            taken: 0,
            attempts: 0,
            open: true,
            ended: false,
            ending: None,
            order: None,
            notices: VecDeque::new(),
            idle: None,
            busy: None,
            senders: BTreeMap::new(),
            tickets: 0,
            watches: Vec::new(),
        }
    }

    /// What goes before messages.
    pub(super) fn pressing(&mut self) -> Option<Next<M>> {
        if self.order == Some(Order::Kill) {
            return Some(Next::Order(Order::Kill));
        }
        if let Some(notice) = self.notices.pop_front() {
            return Some(Next::Notice(notice));
        }
        (self.order == Some(Order::Pause)).then_some(Next::Order(Order::Pause))
    }

    pub(super) fn all_senders(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.senders).into_values().collect()
    }
}
