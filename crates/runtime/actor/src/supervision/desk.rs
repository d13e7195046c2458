//! The hands of a supervisor: carries out what its plan says, and tells the plan what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::plan::{End, Plan, Purpose, Step};
use super::pulse::{Beat, Pulse, Sign};
use super::spec::{OnStuck, Planted, key};
use super::supervisor::{Command, Post, StartError};
use super::{Key, News, Report};
use crate::actor::Ending;
use crate::cell::{Next, Node, Order};
use crate::observation::LifeEvent;
use crate::reference::KILL_GRACE;
use crate::system::Inner;
use crate::tie::{Obituary, Tie};
use crate::tree::State;
use crate::watch::Notice;

/// Runs a supervisor until its end, and tells of it.
pub(crate) async fn supervise(obituary: Obituary<Command>, mut desk: Desk) {
    let ending = desk.run(&obituary).await;
    // Its children are let go before anybody may begin it anew.
    drop(desk);
    obituary.tell(ending);
}

/// Tells somebody who may have stopped waiting.
fn answer(waiter: oneshot::Sender<()>) {
    let _ = waiter.send(());
}

/// Why a child's timer was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// It has rested.
    Rested,
    /// Its `init` takes too long.
    Started,
    /// It takes too long to stop.
    Stopped,
    /// It was killed and has not ended.
    Killed,
}

struct Child {
    planted: Arc<dyn Planted>,
    node: Arc<dyn Node>,
    incarnation: u32,
    /// Added by [`SupervisorRef::start`](super::SupervisorRef::start).
    dynamic: bool,
    lives: bool,
    timer: Option<(Duration, Due)>,
    pulse: Option<(Duration, Pulse)>,
    last: Ending,
    starter: Option<oneshot::Sender<Result<(), StartError>>>,
    stoppers: Vec<oneshot::Sender<()>>,
}

/// One incarnation of a supervisor.
pub(crate) struct Desk {
    post: Arc<Post>,
    incarnation: u32,
    /// Whether nobody supervises it, so that its end is its children's as well.
    root: bool,
    plan: Plan,
    children: BTreeMap<Key, Child>,
    /// All timers of all children.
    timers: BTreeMap<(Duration, Key, bool), ()>,
    waiting: Vec<oneshot::Sender<()>>,
    ready: bool,
    ending: Ending,
}

impl Desk {
    pub(crate) fn new(post: Arc<Post>, incarnation: u32, root: bool) -> Self {
        let plan = Plan::new(post.strategy, post.intensity, post.closing);
        let mut desk = Self {
            post,
            incarnation,
            root,
            plan,
            children: BTreeMap::new(),
            timers: BTreeMap::new(),
            waiting: Vec::new(),
            ready: false,
            ending: Ending::Normal,
        };
        for planted in desk.post.children.clone() {
            desk.add(planted, None);
        }
        desk
    }

    fn system(&self) -> &Arc<Inner> {
        &self.post.cell.head.system
    }

    fn add(
        &mut self,
        planted: Arc<dyn Planted>,
        starter: Option<oneshot::Sender<Result<(), StartError>>>,
    ) {
        let key = key(&*planted);
        let policy = planted.policy();
        self.plan.add(key, policy.restart, policy.backoff);
        let child = Child {
            node: planted.node(),
            planted,
            incarnation: 0,
            dynamic: starter.is_some(),
            lives: false,
            timer: None,
            pulse: None,
            last: Ending::Normal,
            starter,
            stoppers: Vec::new(),
        };
        self.children.insert(key, child);
    }

    async fn run(&mut self, obituary: &Obituary<Command>) -> Ending {
        let post = Arc::clone(&self.post);
        let mut batch = post.cell.batch(self.incarnation);
        loop {
            if self.carry_out(obituary) {
                return self.ending.clone();
            }
            self.system().shake().await;
            let next = match self.timers.first_key_value() {
                Some((&(at, _, _), ())) => {
                    tokio::time::timeout_at(self.system().moment(at), batch.next()).await.ok()
                }
                None => Some(batch.next().await),
            };
            match next {
                Some(Next::Notice(Notice::Child(news))) => self.hear(news),
                // A supervisor watches nobody; it has its children's reports.
                Some(Next::Notice(Notice::Watch(_))) => {}
                Some(Next::Message(command)) => self.obey(command),
                Some(Next::Order(order)) => {
                    post.cell.take_order();
                    self.close(order);
                }
                None => {}
            }
            self.look_at_timers();
        }
    }

    fn hear(&mut self, news: News) {
        let now = self.system().now();
        match news {
            News::Started(Report { key, incarnation }) => {
                let Some(child) = self.children.get_mut(&key) else { return };
                if child.incarnation != incarnation || !child.lives {
                    return;
                }
                if child.timer.is_some_and(|(_, due)| due == Due::Started) {
                    self.set_timer(key, None);
                }
                self.plan.started(key, now);
                let Some(child) = self.children.get_mut(&key) else { return };
                if let Some(starter) = child.starter.take() {
                    drop(starter.send(Ok(())));
                }
                if let Some((limit, _)) = child.planted.policy().stuck {
                    let pulse = Pulse::new(limit, now);
                    self.set_pulse(key, Some((pulse.next_look(now), pulse)));
                }
            }
            News::Ended(Report { key, incarnation }, ending) => {
                let current = |child: &Child| child.lives && child.incarnation == incarnation;
                if self.children.get(&key).is_some_and(current) {
                    self.ended(key, ending);
                }
            }
        }
    }

    fn ended(&mut self, key: Key, ending: Ending) {
        self.set_timer(key, None);
        self.set_pulse(key, None);
        let now = self.system().now();
        let draw = self.system().entropy.unit();
        let Some(child) = self.children.get_mut(&key) else { return };
        child.lives = false;
        child.node.head().set_state(State::Resting);
        child.last = ending.clone();
        let end = match ending {
            Ending::Normal => End::Good,
            Ending::Crashed(_) | Ending::Killed => End::Bad,
        };
        match child.starter.take() {
            Some(starter) => {
                self.plan.stillborn(key);
                drop(starter.send(Err(StartError::Ended(ending))));
            }
            None => self.plan.ended(key, end, now, draw),
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Start(planted, reply) => {
                if self.plan.is_serving() {
                    self.add(planted, Some(reply));
                } else {
                    drop(reply.send(Err(StartError::Gone)));
                }
            }
            Command::Stop(id, reply) => {
                if let Some(child) = self.children.get_mut(&Key(id.0)) {
                    child.stoppers.push(reply);
                    self.plan.remove(Key(id.0));
                } else {
                    answer(reply);
                }
            }
            Command::Ready(reply) if self.ready => answer(reply),
            Command::Ready(reply) => self.waiting.push(reply),
        }
    }

    fn close(&mut self, order: Order) {
        match order {
            Order::Drain => self.plan.close(Purpose::Leave),
            Order::Pause => self.plan.close(Purpose::Again),
            Order::Kill => {
                self.ending = Ending::Killed;
                self.plan.close(Purpose::Again);
                let living: Vec<Key> = self.living().collect();
                living.into_iter().for_each(|key| self.kill(key));
            }
        }
    }

    fn living(&self) -> impl Iterator<Item = Key> {
        self.children.iter().filter(|(_, child)| child.lives).map(|(key, _)| *key)
    }

    /// Does what the plan says until it says no more. Whether the supervisor is over.
    fn carry_out(&mut self, obituary: &Obituary<Command>) -> bool {
        loop {
            let steps = self.plan.steps();
            if steps.is_empty() {
                return false;
            }
            for step in steps {
                match step {
                    Step::Start(key) => self.start(key),
                    Step::Rest(key, pause) => self.rest(key, pause),
                    Step::Stop(key, purpose) => self.stop(key, purpose),
                    Step::Forget(key) => self.forget(key),
                    Step::Ready => {
                        self.ready = true;
                        obituary.started();
                        self.waiting.drain(..).for_each(answer);
                    }
                    Step::GiveUp(key) => self.give_up(key),
                    Step::Over => return true,
                }
            }
        }
    }

    fn start(&mut self, key: Key) {
        let tie = Tie::Supervisor(Arc::clone(&self.post.cell) as _, key);
        let now = self.system().now();
        let Some(child) = self.children.get_mut(&key) else { return };
        child.lives = true;
        // One that was forgotten with an earlier incarnation of this supervisor is entered again.
        match child.planted.enter() {
            Ok(()) => {
                child.incarnation = child.planted.begin(tie);
                let limit = now + child.planted.policy().start_within;
                self.set_timer(key, Some((limit, Due::Started)));
            }
            Err(taken) => self.ended(key, Ending::Crashed(taken.to_string())),
        }
    }

    fn rest(&mut self, key: Key, pause: Duration) {
        let now = self.system().now();
        if let Some(child) = self.children.get(&key) {
            self.system().observe(child.node.head(), LifeEvent::Restarting { pause });
        }
        if !pause.is_zero() {
            self.set_timer(key, Some((now + pause, Due::Rested)));
        }
    }

    fn stop(&mut self, key: Key, purpose: Purpose) {
        let now = self.system().now();
        let Some(child) = self.children.get(&key) else { return };
        if self.ending == Ending::Killed {
            self.kill(key);
            return;
        }
        let limit = now + child.planted.policy().stop_within;
        child.node.order(match purpose {
            Purpose::Leave => Order::Drain,
            Purpose::Again => Order::Pause,
        });
        self.set_timer(key, Some((limit, Due::Stopped)));
    }

    fn kill(&mut self, key: Key) {
        let now = self.system().now();
        let Some(child) = self.children.get(&key) else { return };
        child.node.order(Order::Kill);
        // A supervisor has its own children to kill first.
        let grace =
            if child.node.head().kind == "supervisor" { KILL_GRACE * 2 } else { KILL_GRACE };
        self.set_timer(key, Some((now + grace, Due::Killed)));
    }

    fn forget(&mut self, key: Key) {
        self.set_timer(key, None);
        self.set_pulse(key, None);
        if let Some(child) = self.children.remove(&key) {
            child.planted.forget();
            child.stoppers.into_iter().for_each(answer);
        }
    }

    fn give_up(&mut self, key: Key) {
        let Some(child) = self.children.get(&key) else { return };
        let head = child.node.head();
        let who = head.name.as_ref().map_or_else(|| head.id.to_string(), ToString::to_string);
        let words = format!("gave up: `{who}` ended once too often, at last {}", child.last);
        self.post.cell.set_error(&words);
        self.system().observe(&self.post.cell.head, LifeEvent::GaveUp { child: head.id });
        self.ending = Ending::Crashed(words);
    }

    fn set_timer(&mut self, key: Key, timer: Option<(Duration, Due)>) {
        let Some(child) = self.children.get_mut(&key) else { return };
        if let Some((at, _)) = std::mem::replace(&mut child.timer, timer) {
            self.timers.remove(&(at, key, false));
        }
        if let Some((at, _)) = timer {
            self.timers.insert((at, key, false), ());
        }
    }

    fn set_pulse(&mut self, key: Key, pulse: Option<(Duration, Pulse)>) {
        let Some(child) = self.children.get_mut(&key) else { return };
        if let Some((at, _)) = std::mem::replace(&mut child.pulse, pulse) {
            self.timers.remove(&(at, key, true));
        }
        if let Some((at, _)) = pulse {
            self.timers.insert((at, key, true), ());
        }
    }

    fn look_at_timers(&mut self) {
        if self.timers.is_empty() {
            return;
        }
        let now = self.system().now();
        while let Some((&(at, key, is_pulse), ())) = self.timers.first_key_value()
            && at <= now
        {
            self.timers.pop_first();
            let Some(child) = self.children.get_mut(&key) else { continue };
            if is_pulse {
                self.look_at_pulse(key, now);
            } else if let Some((_, due)) = child.timer.take() {
                self.time_is_up(key, due);
            }
        }
    }

    fn time_is_up(&mut self, key: Key, due: Due) {
        let Some(child) = self.children.get(&key) else { return };
        match due {
            Due::Rested => self.plan.rested(key),
            Due::Started | Due::Stopped => self.kill(key),
            Due::Killed => {
                self.system().observe(child.node.head(), LifeEvent::Abandoned);
                self.ended(key, Ending::Killed);
            }
        }
    }

    fn look_at_pulse(&mut self, key: Key, now: Duration) {
        let Some(child) = self.children.get_mut(&key) else { return };
        let Some((_, mut pulse)) = child.pulse.take() else { return };
        let handled = child.node.head().progress.handled.load(Ordering::Relaxed);
        let beat = pulse.look(now, Sign { busy: child.node.is_busy(), handled });
        let then = child.planted.policy().stuck.map(|(_, then)| then);
        let node = Arc::clone(&child.node);
        self.set_pulse(key, Some((pulse.next_look(now), pulse)));
        if let Beat::Stuck(since) = beat {
            self.system().observe(node.head(), LifeEvent::Stuck { since });
            if then == Some(OnStuck::Kill) {
                self.kill(key);
            }
        }
    }
}

impl Drop for Desk {
    /// Lets the children go: those that no later incarnation will begin again, for good.
    fn drop(&mut self) {
        for child in std::mem::take(&mut self.children).into_values().rev() {
            if child.lives {
                child.node.order(Order::Kill);
            }
            if self.root || child.dynamic {
                child.planted.forget();
            }
            child.stoppers.into_iter().for_each(answer);
        }
    }
}
