//! What ties an incarnation to whoever began it, so that its end is always told.

use std::sync::Arc;

use crate::actor::Ending;
use crate::cell::{Cell, Node};
use crate::observation::LifeEvent;
use crate::supervision::{Key, News, Report};
use crate::tree::State;
use crate::watch::{Down, Notice};

/// To whom the incarnation belongs.
#[derive(Clone)]
pub(crate) enum Tie {
    /// To nobody: its end is final.
    Nobody,
    /// To the supervisor behind that cell.
    Supervisor(Arc<dyn Node>, Key),
}

/// Tells of an incarnation's end, even if its task is dropped.
pub(crate) struct Obituary<M: Send + 'static> {
    pub(crate) cell: Arc<Cell<M>>,
    pub(crate) incarnation: u32,
    tie: Tie,
    told: bool,
}

impl<M: Send + 'static> Obituary<M> {
    pub(crate) const fn new(cell: Arc<Cell<M>>, incarnation: u32, tie: Tie) -> Self {
        Self { cell, incarnation, tie, told: false }
    }

    /// The incarnation is up.
    pub(crate) fn started(&self) {
        let head = &self.cell.head;
        self.cell.set_started(head.system.clock.now());
        head.system.observe(head, LifeEvent::Started { incarnation: self.incarnation });
        self.report(News::Started);
    }

    fn report(&self, news: fn(Report) -> News) {
        if let Tie::Supervisor(node, key) = &self.tie {
            let report = Report { key: *key, incarnation: self.incarnation };
            node.notice(Notice::Child(news(report)));
        }
    }

    pub(crate) fn tell(mut self, ending: Ending) {
        self.told = true;
        self.over(ending);
    }

    fn over(&self, ending: Ending) {
        let Some(watches) = self.cell.incarnation_over(self.incarnation, &ending) else { return };
        // Whoever waits for the end of an actor that nobody restarts may then take its name.
        if let Tie::Nobody = self.tie {
            farewell(&*self.cell);
        }
        if !watches.is_empty() {
            let head = &self.cell.head;
            let down = Down { id: head.id, name: head.name.clone(), ending: ending.clone() };
            watches.into_iter().for_each(|watch| watch.tell(&down));
        }
        if let Tie::Supervisor(node, key) = &self.tie {
            let report = Report { key: *key, incarnation: self.incarnation };
            node.notice(Notice::Child(News::Ended(report, ending)));
        }
    }
}

impl<M: Send + 'static> Drop for Obituary<M> {
    fn drop(&mut self) {
        if !self.told {
            self.over(Ending::Killed);
        }
    }
}

/// Ends an actor for good: its mailbox, its name, its place in the tree. Nothing, if it has none.
pub(crate) fn farewell(node: &dyn Node) {
    let (head, ending) = (node.head(), node.last_ending());
    if !head.system.registry.leave(node) {
        return;
    }
    let state = match &ending {
        Ending::Normal => State::Stopped,
        Ending::Crashed(_) | Ending::Killed => State::Failed,
    };
    node.finish(state);
    head.system.observe(head, LifeEvent::Stopped { ending });
}
