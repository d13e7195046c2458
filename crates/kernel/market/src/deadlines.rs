//! Which deadlines there are, soonest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bottega_acl::Timer;
use bottega_types::{Clock, TenderId, Timestamp};
use tokio::sync::mpsc;

/// A deadline of a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline {
    pub(crate) at: Timestamp,
    pub(crate) tender: TenderId,
    pub(crate) timer: Timer,
}

/// Waits for one deadline after the other. Those that no longer count are told too: whoever is told knows.
#[derive(Debug)]
pub(crate) struct Deadlines {
    armed: mpsc::UnboundedReceiver<Deadline>,
    waiting: BinaryHeap<Reverse<Deadline>>,
}

impl Deadlines {
    /// With where deadlines are armed. It holds those that have not passed: of each tender that goes on one for each round
    /// and award and for each look at it, so that the bound on tenders is its bound.
    pub(crate) fn new() -> (mpsc::UnboundedSender<Deadline>, Self) {
        let (arm, armed) = mpsc::unbounded_channel();
        (arm, Self { armed, waiting: BinaryHeap::new() })
    }

    /// The next one that has passed; nothing when none can be armed any more.
    pub(crate) async fn next(&mut self, clock: &dyn Clock) -> Option<Deadline> {
        loop {
            let Some(Reverse(soonest)) = self.waiting.peek().copied() else {
                self.waiting.push(Reverse(self.armed.recv().await?));
                continue;
            };
            let span = soonest.at.since(clock.now());
            match bottega_actor::within(span, self.armed.recv()).await {
                Some(Some(armed)) => self.waiting.push(Reverse(armed)),
                Some(None) => return None,
                None => {
                    self.waiting.pop();
                    return Some(soonest);
                }
            }
        }
    }
}
