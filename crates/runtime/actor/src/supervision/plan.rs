//! What a supervisor decides: whom to start, stop and restart, in which order, and when to give up. Pure: it is told what
//! happened and answers with steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Key;
use super::backoff::Backoff;
use super::policy::{Allowed, Intensity, Restart, Strategy, Window};

/// How a child ended, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Good,
    Bad,
}

/// Why a child is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It will be begun anew: its mailbox stays.
    Again,
    /// For good.
    Leave,
}

/// In which order the children end when the supervisor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// One after the other, the last one first.
    InReverse,
    /// All at once.
    Together,
}

/// What is to be done. The results come back as inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begin it; then comes [`Plan::started`] or [`Plan::ended`].
    Start(Key),
    /// Let it rest before it is begun anew; then comes [`Plan::rested`].
    Rest(Key, Duration),
    /// Stop it; then comes [`Plan::ended`].
    Stop(Key, Purpose),
    /// It is over for good.
    Forget(Key),
    /// All children are up, or forgotten, for the first time.
    Ready,
    /// This child's end was one too many.
    GiveUp(Key),
    /// No child lives any more, and none will.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Down,
    Resting,
    Starting,
    Up { since: Duration },
    Stopping(Purpose),
}

#[derive(Clone, Debug)]
struct Child {
    restart: Restart,
    backoff: Backoff,
    life: Life,
    /// In a row.
    failures: u32,
    /// Those that are started together, in order.
    round: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    Closing(Purpose),
    Over,
}

/// A supervisor's mind.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    strategy: Strategy,
    closing: Closing,
    window: Window,
    children: BTreeMap<Key, Child>,
    /// To be stopped before anything is started; from behind.
    sweep: BTreeSet<Key>,
    /// To be started, by round.
    due: BTreeSet<(u64, Key)>,
    round: u64,
    ready: bool,
    phase: Phase,
    steps: Vec<Step>,
}

impl Plan {
    pub(crate) const fn new(strategy: Strategy, intensity: Intensity, closing: Closing) -> Self {
        Self {
            strategy,
            closing,
            window: Window::new(intensity),
            children: BTreeMap::new(),
            sweep: BTreeSet::new(),
            due: BTreeSet::new(),
            round: 0,
            ready: false,
            phase: Phase::Serving,
            steps: Vec::new(),
        }
    }

    /// What is to be done now, in this order. Empties the list.
    pub(crate) fn steps(&mut self) -> Vec<Step> {
        self.go_on();
        std::mem::take(&mut self.steps)
    }

    pub(crate) fn is_serving(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// A new last child. Those that are added before [`Plan::steps`] is asked start one after the other.
    pub(crate) fn add(&mut self, key: Key, restart: Restart, backoff: Backoff) {
        if self.ready {
            self.round += 1;
        }
        let round = self.round;
        self.children.insert(key, Child { restart, backoff, life: Life::Down, failures: 0, round });
        self.due.insert((round, key));
    }

    /// The child is up.
    pub(crate) fn started(&mut self, key: Key, now: Duration) {
        if let Some(child) = self.children.get_mut(&key)
            && child.life == Life::Starting
        {
            child.life = Life::Up { since: now };
            self.due.remove(&(child.round, key));
        }
    }

    /// The child rested long enough.
    pub(crate) fn rested(&mut self, key: Key) {
        if let Some(child) = self.children.get_mut(&key)
            && child.life == Life::Resting
        {
            child.life = Life::Down;
        }
    }

    /// The child ended before it was up for the first time, and who wanted it does not want it so: it is forgotten, and
    /// counts for nothing.
    pub(crate) fn stillborn(&mut self, key: Key) {
        self.sweep.remove(&key);
        self.forget(key);
    }

    /// The child is to end and be forgotten.
    pub(crate) fn remove(&mut self, key: Key) {
        let Some(child) = self.children.get_mut(&key) else { return };
        match child.life {
            Life::Down | Life::Resting => self.forget(key),
            Life::Starting | Life::Up { .. } => {
                child.life = Life::Stopping(Purpose::Leave);
                self.due.remove(&(child.round, key));
                self.sweep.remove(&key);
                self.steps.push(Step::Stop(key, Purpose::Leave));
            }
            Life::Stopping(_) => {
                child.life = Life::Stopping(Purpose::Leave);
                self.due.remove(&(child.round, key));
            }
        }
    }

    /// All children are to end. For [`Purpose::Again`] their mailboxes stay, as the supervisor itself is begun anew.
    pub(crate) fn close(&mut self, purpose: Purpose) {
        match self.phase {
            Phase::Serving => {}
            Phase::Closing(_) | Phase::Over => return,
        }
        self.phase = Phase::Closing(purpose);
        self.due.clear();
        self.sweep = self.alive(|_| true);
    }

    /// The child ended at `now`. `draw`, in `0..1`, is the chance in its pause.
    pub(crate) fn ended(&mut self, key: Key, end: End, now: Duration, draw: f64) {
        let Some(child) = self.children.get_mut(&key) else { return };
        let life = std::mem::replace(&mut child.life, Life::Down);
        let swept = self.sweep.remove(&key);
        match self.phase {
            Phase::Serving => {}
            Phase::Closing(Purpose::Leave) => return self.forget(key),
            Phase::Closing(Purpose::Again) | Phase::Over => return,
        }
        match life {
            Life::Down | Life::Resting => child.life = life,
            Life::Stopping(Purpose::Leave) => self.forget(key),
            Life::Stopping(Purpose::Again) => {}
            Life::Starting | Life::Up { .. } if swept => {
                // It ended before it was told to: it has its turn with the others, or is forgotten with them.
                if child.restart == Restart::Temporary {
                    self.forget(key);
                }
            }
            Life::Starting | Life::Up { .. } => {
                let again = match (child.restart, end) {
                    (Restart::Permanent, _) | (Restart::Transient, End::Bad) => true,
                    (Restart::Transient, End::Good) | (Restart::Temporary, _) => false,
                };
                if !again {
                    self.forget(key);
                } else if self.window.restart(now) == Allowed::No {
                    self.steps.push(Step::GiveUp(key));
                    self.close(Purpose::Again);
                } else {
                    self.restart(key, life, now, draw);
                }
            }
        }
    }

    fn restart(&mut self, key: Key, life: Life, now: Duration, draw: f64) {
        let affected = match self.strategy {
            Strategy::OneForOne => BTreeSet::new(),
            Strategy::OneForAll => self.alive(|_| true),
            Strategy::RestForOne => self.alive(|other| other > key),
        };
        self.round += 1;
        self.sweep.extend(affected.iter().copied());
        // Those that were about to start wait for their turn behind the one that ended.
        let waiting: Vec<Key> = match self.strategy {
            Strategy::OneForOne => Vec::new(),
            Strategy::OneForAll => self.due.iter().map(|(_, other)| *other).collect(),
            Strategy::RestForOne => {
                self.due.iter().map(|(_, other)| *other).filter(|other| *other > key).collect()
            }
        };
        for other in affected.into_iter().chain(waiting).chain([key]) {
            let round = self.round;
            let Some(child) = self.children.get_mut(&other) else { continue };
            self.due.remove(&(child.round, other));
            child.round = round;
            if child.restart != Restart::Temporary || child.life == Life::Down {
                self.due.insert((round, other));
            }
        }
        let Some(child) = self.children.get_mut(&key) else { return };
        let was_calm =
            matches!(life, Life::Up { since } if now.saturating_sub(since) >= child.backoff.calm);
        child.failures = if was_calm { 1 } else { child.failures.saturating_add(1) };
        let pause = child.backoff.pause(child.failures, draw);
        if !pause.is_zero() {
            child.life = Life::Resting;
        }
        self.steps.push(Step::Rest(key, pause));
    }

    /// The children that live and are not being stopped.
    fn alive(&self, wanted: impl Fn(Key) -> bool) -> BTreeSet<Key> {
        let lives = |child: &Child| match child.life {
            Life::Starting | Life::Up { .. } => true,
            Life::Down | Life::Resting | Life::Stopping(_) => false,
        };
        let alive = self.children.iter().filter(|(key, child)| wanted(**key) && lives(child));
        alive.map(|(key, _)| *key).collect()
    }

    fn forget(&mut self, key: Key) {
        if let Some(child) = self.children.remove(&key) {
            self.due.remove(&(child.round, key));
            self.steps.push(Step::Forget(key));
        }
    }

    /// Takes every step that can be taken now.
    fn go_on(&mut self) {
        match self.phase {
            Phase::Over => return,
            Phase::Closing(purpose) if self.closing == Closing::Together => {
                for key in std::mem::take(&mut self.sweep) {
                    self.stop(key, purpose);
                }
            }
            Phase::Serving | Phase::Closing(_) => self.sweep_on(),
        }
        if self.phase != Phase::Serving {
            let lives = |child: &Child| !matches!(child.life, Life::Down | Life::Resting);
            if self.sweep.is_empty() && !self.children.values().any(lives) {
                self.phase = Phase::Over;
                self.steps.push(Step::Over);
            }
            return;
        }
        if self.sweep.is_empty() {
            self.start_on();
        }
        if self.due.is_empty() && self.sweep.is_empty() && !self.ready {
            self.ready = true;
            self.steps.push(Step::Ready);
        }
    }

    /// Stops the last one that is to be stopped, unless it is being stopped.
    fn sweep_on(&mut self) {
        let Some(&last) = self.sweep.last() else { return };
        let Some(child) = self.children.get(&last) else { return };
        let purpose = match (self.phase, child.restart) {
            (Phase::Closing(purpose), _) => purpose,
            (Phase::Serving | Phase::Over, Restart::Temporary) => Purpose::Leave,
            (Phase::Serving | Phase::Over, Restart::Permanent | Restart::Transient) => {
                Purpose::Again
            }
        };
        match child.life {
            Life::Starting | Life::Up { .. } => self.stop(last, purpose),
            Life::Stopping(_) => {}
            Life::Down | Life::Resting => {
                self.sweep.remove(&last);
                self.sweep_on();
            }
        }
    }

    fn stop(&mut self, key: Key, purpose: Purpose) {
        if let Some(child) = self.children.get_mut(&key) {
            child.life = Life::Stopping(purpose);
            self.steps.push(Step::Stop(key, purpose));
        }
    }

    /// Starts the first of each round, if nothing before it is still on its way.
    fn start_on(&mut self) {
        let mut from = 0;
        while let Some(&(round, key)) = self.due.range((from, Key(0))..).next() {
            if let Some(child) = self.children.get_mut(&key)
                && child.life == Life::Down
            {
                child.life = Life::Starting;
                self.steps.push(Step::Start(key));
            }
            from = round + 1;
        }
    }
}

#[cfg(test)]
mod tests;
