//! Conversations that are not the present one, kept in memory so that coming back costs no reading.

use std::sync::Arc;

use super::llama::{Session, Token};
use super::prompt::{self, Pieces, Planned};

/// Less than this is read again quicker than it is copied.
const WORTH_KEEPING: usize = 64;

struct Parked {
    tokens: Arc<[Token]>,
    state: Vec<u8>,
}

/// Parked conversations, the latest last.
pub(crate) struct Shelf {
    parked: Vec<Parked>,
    budget: usize,
}

impl Shelf {
    /// Keeps at most `budget` bytes.
    pub(crate) const fn new(budget: usize) -> Self {
        Self { parked: Vec::new(), budget }
    }

    /// Everything read before: the present conversation first.
    pub(crate) fn histories(&self, present: &[Token]) -> Vec<Arc<[Token]>> {
        let parked = self.parked.iter().map(|parked| Arc::clone(&parked.tokens));
        [Arc::from(present)].into_iter().chain(parked).collect()
    }

    /// Makes `session` begin with as much of `prompt` as it or the shelf has read, parking what it
    /// held when that would be lost.
    pub(crate) fn turn_to(
        &mut self,
        pieces: &impl Pieces,
        session: &mut Session,
        present: &mut Vec<Token>,
        prompt: &[Token],
    ) -> Planned {
        let histories = self.histories(present);
        let (best, planned) = best(pieces, &histories, prompt);
        let lost = present.len() - if best == 0 { planned.reused } else { 0 };
        let came_back = best.checked_sub(1).map(|index| self.parked.remove(index));
        let other = best > 0 || planned.reused * 2 < present.len();
        if lost >= WORTH_KEEPING && other && self.budget > 0 {
            self.park(session, present);
        }
        if let Some(parked) = came_back {
            present.clear();
            if session.restore(&parked.state) {
                present.extend_from_slice(&parked.tokens);
            } else {
                session.truncate(0);
                return Planned { tokens: prompt.to_vec(), reused: 0 };
            }
        }
        planned
    }

    fn park(&mut self, session: &mut Session, present: &[Token]) {
        let state = session.save();
        if state.is_empty() || state.len() > self.budget {
            return;
        }
        let mut held: usize = self.parked.iter().map(|parked| parked.state.len()).sum();
        while held + state.len() > self.budget && !self.parked.is_empty() {
            held -= self.parked.remove(0).state.len();
        }
        self.parked.push(Parked { tokens: Arc::from(present), state });
    }
}

/// The history that spares most of `prompt`, by its index, and what is planned with it. Another
/// than the present one must be clearly better.
pub(crate) fn best(
    pieces: &impl Pieces,
    histories: &[Arc<[Token]>],
    prompt: &[Token],
) -> (usize, Planned) {
    let mut best = (0, Planned { tokens: prompt.to_vec(), reused: 0 });
    for (index, history) in histories.iter().enumerate() {
        let planned = prompt::reuse(pieces, history, prompt);
        let margin = if index == 0 { 0 } else { WORTH_KEEPING };
        if planned.reused > best.1.reused + margin {
            best = (index, planned);
        }
    }
    best
}
