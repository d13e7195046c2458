//! A system whose actors write down what they do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bottega_actor::{
    Actor, ChildSpec, Context, Delivery, Fault, LifeEvent, Observation, Observer, Options, Ref,
    Reply, Signal, Spawn, System,
};
use bottega_types::{ManualClock, Seeded, Timestamp};
use tokio::sync::oneshot;

/// Lines in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn line(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// All lines since the last call, behind each other.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join("; ")
    }
}

impl Observer for Log {
    fn observe(&self, observation: &Observation) {
        let name = observation.name.as_deref().unwrap_or("?");
        self.line(match &observation.event {
            LifeEvent::Started { incarnation } => format!("{name} started {incarnation}"),
            LifeEvent::Crashed { words, during, message } => {
                format!("{name} crashed in {during:?}: {words}, message {message:?}")
            }
            LifeEvent::Restarting { pause } => format!("{name} restarts in {pause:?}"),
            LifeEvent::Stuck { since } => format!("{name} stuck for {since:?}"),
            LifeEvent::Abandoned => format!("{name} abandoned"),
            LifeEvent::GaveUp { .. } => format!("{name} gave up"),
            LifeEvent::Stopped { ending } => format!("{name} is over: {ending}"),
        });
    }
}

/// What a [`Worker`] can be told.
#[derive(Debug)]
pub(crate) enum Do {
    Note(u32),
    /// Kept over a crash.
    Retry(u32),
    /// Kept over an end, and waits for ever.
    Hang(u32),
    Fail,
    Panic,
    Leave,
    /// Waits until the other end is used or dropped.
    Wait(oneshot::Receiver<()>),
    Answer(Reply<u32>),
    Monitor(Ref<Self>),
    Link(Ref<Self>),
    Spawn(&'static str),
    Bomb(Bomb),
}

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct Bomb(pub(crate) Log);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.line("bomb");
        quiet_panic("a bomb");
    }
}

/// A panic that the hook does not print.
pub(crate) fn quiet_panic(words: &str) {
    std::panic::resume_unwind(Box::new(words.to_owned()));
}

/// What goes wrong with a worker by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flaw {
    #[default]
    None,
    InitPanics,
    InitFailsOnce,
    InitHangs,
    StopPanics,
    StopHangs,
    DropPanics,
    /// Signals are written down and not passed on.
    Traps,
}

pub(crate) struct Worker {
    name: &'static str,
    log: Log,
    flaw: Flaw,
}

impl Worker {
    pub(crate) fn new(name: &'static str, log: Log, flaw: Flaw) -> Self {
        Self { name, log, flaw }
    }
}

impl Actor for Worker {
    type Message = Do;

    const KIND: &'static str = "worker";

    async fn init(&mut self, context: &mut Context<Do>) -> Result<(), Fault> {
        self.log.line(format!("{} init", self.name));
        match self.flaw {
            Flaw::InitPanics => quiet_panic("no init"),
            Flaw::InitFailsOnce if context.incarnation() == 1 => return Err("not yet".into()),
            Flaw::InitHangs => std::future::pending().await,
            _ => {}
        }
        Ok(())
    }

    async fn handle(&mut self, message: Do, context: &mut Context<Do>) -> Result<(), Fault> {
        match message {
            Do::Note(number) => self.log.line(format!("{} {number}", self.name)),
            Do::Retry(number) => {
                self.log.line(format!("{} tries {number}", self.name));
                return Err(Fault::new(format!("{number} is too much")));
            }
            Do::Hang(number) => {
                self.log.line(format!("{} hangs over {number}", self.name));
                std::future::pending::<()>().await;
            }
            Do::Fail => return Err("fault".into()),
            Do::Panic => quiet_panic("panic"),
            Do::Leave => context.stop(),
            Do::Wait(gate) => {
                let _held = Held(self.log.clone(), self.name);
                drop(gate.await);
            }
            Do::Answer(reply) => reply.send(7),
            Do::Monitor(other) => context.monitor(&other)?,
            Do::Link(other) => context.link(&other)?,
            Do::Spawn(name) => {
                let child = Self { name, log: self.log.clone(), flaw: Flaw::None };
                context.spawn(Spawn::named(name), child)?;
            }
            Do::Bomb(bomb) => drop(bomb),
        }
        Ok(())
    }

    async fn signal(&mut self, signal: Signal, _: &mut Context<Do>) -> Result<(), Fault> {
        let (word, down) = match signal {
            Signal::Down(down) => ("saw", down),
            Signal::Linked(down) => ("feels", down),
        };
        let whom = down.name.as_deref().unwrap_or("?");
        self.log.line(format!("{} {word} {whom} end {}", self.name, down.ending));
        if word == "feels"
            && self.flaw != Flaw::Traps
            && down.ending != bottega_actor::Ending::Normal
        {
            return Err(Fault::new(format!("because of {whom}")));
        }
        Ok(())
    }

    async fn stop(&mut self, _: &mut Context<Do>) -> Result<(), Fault> {
        self.log.line(format!("{} stop", self.name));
        match self.flaw {
            Flaw::StopPanics => quiet_panic("no stop"),
            Flaw::StopHangs => std::future::pending().await,
            _ => {}
        }
        Ok(())
    }

    fn keep(message: &Do) -> Option<Do> {
        match message {
            Do::Retry(number) => Some(Do::Retry(*number)),
            Do::Hang(number) => Some(Do::Hang(*number)),
            _ => None,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.flaw == Flaw::DropPanics {
            quiet_panic("no drop");
        }
    }
}

/// Writes down that it was let go.
struct Held(Log, &'static str);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.line(format!("{} lets go", self.1));
    }
}

/// A system that writes to a log, with a clock that stands at a second after the epoch.
pub(crate) struct Rig {
    pub(crate) system: System,
    pub(crate) log: Log,
}

impl Rig {
    /// Actors and observer write into one log.
    pub(crate) fn new() -> Self {
        let log = Log::default();
        let options = Options {
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(1000))),
            entropy: Arc::new(Seeded::new(7)),
            observer: Some(Arc::new(log.clone())),
            shuffle: None,
        };
        Self { system: System::new(options), log }
    }

    pub(crate) fn worker(&self, name: &'static str) -> Ref<Do> {
        self.flawed(name, Flaw::None)
    }

    pub(crate) fn flawed(&self, name: &'static str, flaw: Flaw) -> Ref<Do> {
        let worker = Worker { name, log: self.log.clone(), flaw };
        self.system.spawn(Spawn::named(name), worker).unwrap()
    }

    pub(crate) fn spec(&self, name: &'static str, flaw: Flaw) -> ChildSpec<Do> {
        let log = self.log.clone();
        ChildSpec::new(name, move || Worker { name, log: log.clone(), flaw })
    }

    /// The worker of that name.
    #[track_caller]
    pub(crate) fn find(&self, name: &str) -> Ref<Do> {
        self.system.find(name).unwrap()
    }

    /// Waits until nobody has anything to do, and returns what was written meanwhile.
    pub(crate) async fn settled(&self) -> String {
        pass(Duration::from_millis(1)).await;
        self.log.take()
    }
}

/// Lets time pass. The clock jumps when all have nothing to do, so that nobody really waits.
pub(crate) async fn pass(span: Duration) {
    bottega_actor::sleep(span).await;
}

#[track_caller]
pub(crate) fn tell(worker: &Ref<Do>, message: Do) {
    match worker.tell(message) {
        Delivery::Accepted => {}
        Delivery::Full(message) => panic!("no room for {message:?}"),
        Delivery::Gone(message) => panic!("nobody takes {message:?}"),
    }
}
