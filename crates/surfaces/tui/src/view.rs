//! The live view: what was seen last, and where the person is in it.

use std::collections::VecDeque;
use std::time::Duration;

use bottega_api::{ApiError, TreeView};

use crate::act::Act;
use crate::rows::{Order, Row, pace_of_all, rows};

/// What a look at a server shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Where the server is.
    pub place: String,
    /// What lives there.
    pub tree: TreeView,
}

/// Paces that are remembered.
const REMEMBERED: usize = 60;
/// The longest pause between two attempts at a server that is gone.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The live view of a server.
#[derive(Debug)]
pub struct View {
    pub(crate) look: Look,
    before: Option<TreeView>,
    pub(crate) rows: Vec<Row>,
    /// Messages a second of all agents, the latest last.
    pub(crate) paces: VecDeque<f64>,
    pub(crate) order: Order,
    pub(crate) selected: usize,
    /// The first row that is on the screen.
    pub(crate) top: usize,
    /// Rows that fit on the screen.
    pub(crate) page: usize,
    /// Why the server can't be seen, and how often that was tried.
    pub(crate) gone: Option<(ApiError, u32)>,
}

impl View {
    /// After a first look.
    #[must_use]
    pub fn new(look: Look) -> Self {
        let order = Order::default();
        Self {
            rows: rows(&look.tree, None, order),
            look,
            before: None,
            paces: VecDeque::new(),
            order,
            selected: 0,
            top: 0,
            page: 1,
            gone: None,
        }
    }

    /// Takes in what another look showed, or why it showed nothing: then what was seen last stays.
    pub fn saw(&mut self, seen: Result<Look, ApiError>) {
        match seen {
            Ok(look) => {
                self.gone = None;
                let before = std::mem::replace(&mut self.look, look);
                if before.tree.begun_ms != self.look.tree.begun_ms {
                    self.paces.clear();
                }
                self.before = Some(before.tree);
                self.paces.extend(self.pace());
                while self.paces.len() > REMEMBERED {
                    self.paces.pop_front();
                }
                self.rank();
            }
            Err(error) => {
                let times = self.gone.as_ref().map_or(0, |(_, times)| *times);
                self.gone = Some((error, times.saturating_add(1)));
            }
        }
    }

    /// Does what the person wants. Whether to leave is the caller's.
    pub fn apply(&mut self, act: Act) {
        let page = isize::try_from(self.page).unwrap_or(1);
        match act {
            Act::Leave => {}
            Act::Sort => {
                self.order = self.order.next();
                self.rank();
            }
            Act::Move(by) => self.selected = self.selected.saturating_add_signed(by),
            Act::Turn(by) => {
                self.selected = self.selected.saturating_add_signed(by.saturating_mul(page));
            }
            Act::First => self.selected = 0,
            Act::Last => self.selected = usize::MAX,
        }
        self.settle();
    }

    /// How long to wait until the next look, when looks come every `interval`. A server that is gone is tried less and
    /// less often: something else than one that is begun anew may be the matter.
    #[must_use]
    pub fn pause(&self, interval: Duration) -> Duration {
        match &self.gone {
            None | Some((_, 0 | 1)) => interval,
            Some((_, times)) => interval.saturating_mul(*times).min(LONGEST_PAUSE.max(interval)),
        }
    }

    /// Messages a second that all agents deal with, where two looks tell it.
    pub(crate) fn pace(&self) -> Option<f64> {
        pace_of_all(&self.look.tree, self.before.as_ref())
    }

    /// Lets `height` rows fit on the screen, the selected one among them.
    pub(crate) fn fit(&mut self, height: usize) {
        self.page = height.max(1);
        self.settle();
    }

    /// Makes the rows anew; whoever was selected stays so.
    fn rank(&mut self) {
        let selected = self.rows.get(self.selected).map(|row| row.id.clone());
        self.rows = rows(&self.look.tree, self.before.as_ref(), self.order);
        if let Some(at) = selected.and_then(|id| self.rows.iter().position(|row| row.id == id)) {
            self.selected = at;
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
        let last_top = self.rows.len().saturating_sub(self.page);
        self.top = self.top.min(last_top).min(self.selected);
        if self.selected >= self.top + self.page {
            self.top = self.selected + 1 - self.page;
        }
    }
}
