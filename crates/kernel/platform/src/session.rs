//! The actor of one session.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bottega_actor::{Address, Ended, Mailbox, Running, TaskKind, Tasks, contained, mailbox, spawn};
use bottega_behaviour::{Effect, EffectId, Input, Mind};
use bottega_event::{Revision, SessionEvent, StreamId, ToolReport};
use bottega_gateway::GatewayEvent;
use bottega_llm::ModelRef;
use bottega_policy::Spent;
use bottega_store::{
    Append, AppendError, Batch, Blobs, Expected, Journal, Lease, Leases, StoreError,
};
use bottega_telemetry::{Step, StepKind, carried, here};
use bottega_types::{CallId, Clock, CommandId, Entropy, SessionId, Timestamp};
use tokio::sync::{broadcast, oneshot};

use crate::effect::{self, Carried, Hands};
use crate::{PlatformError, attachments};

/// Commands that may wait in a session's mailbox. A full one makes the sender wait.
const MAILBOX: usize = 64;

/// Updates that a slow listener may be behind. Past that it misses live pieces, and reads what was stored
/// from the journal.
const UPDATES: usize = 2_048;

/// How long tools that were stopped may take to tell what they changed.
const STOPPING: Duration = Duration::from_secs(5);

/// How often a store that is full or busy is asked again before the session stops.
const STORE_ATTEMPTS: u32 = 5;

/// What listeners of a session are told.
#[derive(Clone, Debug)]
pub enum Update {
    /// An event was stored.
    Stored {
        /// Its place in the session.
        revision: Revision,
        /// When.
        at: Timestamp,
        /// What happened.
        event: Arc<SessionEvent>,
    },
    /// A piece of a model's answer, or what the gateway does about it.
    Model {
        /// The call.
        call: CallId,
        /// The piece.
        event: Arc<GatewayEvent>,
    },
    /// A piece of a tool's output.
    Output {
        /// The call.
        call: CallId,
        /// The piece, secrets taken out.
        text: Arc<str>,
    },
    /// The session's loop ended and will not go on; the journal is whole.
    Stopped {
        /// Why.
        why: Arc<PlatformError>,
    },
}

/// The lease that whoever stores blobs shares until an event names them, and that whoever forgets blobs holds alone.
pub(crate) const BLOBS: &str = "blobs";

/// How often, and after what pause, a session looks whether somebody else still forgets blobs.
const SWEEP_LOOKS: u32 = 600;
const SWEEP_PAUSE: Duration = Duration::from_millis(100);

enum Command {
    /// What follows from all of them is stored at once, or nothing is.
    Inputs(Vec<Input>, oneshot::Sender<Result<(), PlatformError>>),
}

/// Holds a session. When the last clone is dropped the session's loop ends, and with it all it started; the
/// work can be resumed.
#[derive(Clone)]
pub struct SessionHandle {
    session: SessionId,
    opened_at: Revision,
    address: Address<Command>,
    updates: broadcast::Sender<Update>,
    _running: Arc<Running<()>>,
}

impl std::fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionHandle").field("session", &self.session).finish_non_exhaustive()
    }
}

impl SessionHandle {
    /// The last stored event when this process opened the session.
    #[must_use]
    pub const fn opened_at(&self) -> Revision {
        self.opened_at
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }

    /// Gives the agent an input. Returns when what follows from it is stored, or why nothing does.
    pub async fn input(&self, input: Input) -> Result<(), PlatformError> {
        self.inputs(vec![input]).await
    }

    /// The same for several, one after the other: what follows from all is stored at once, or nothing is, and then
    /// the session's loop ends.
    pub(crate) async fn inputs(&self, inputs: Vec<Input>) -> Result<(), PlatformError> {
        let (reply, answer) = oneshot::channel();
        let closed = || PlatformError::Closed(self.session);
        self.address.post(Command::Inputs(inputs, reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// A session as its loop owns it.
pub(crate) struct Session {
    pub(crate) session: SessionId,
    pub(crate) mind: Box<dyn Mind>,
    pub(crate) revision: Revision,
    /// Held as long as the loop runs.
    pub(crate) _lease: Lease,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) hands: Hands,
}

impl Session {
    /// Starts the loop.
    pub(crate) fn start(self) -> SessionHandle {
        let (address, mailbox) = mailbox(MAILBOX);
        let (updates, _) = broadcast::channel(UPDATES);
        let (session, opened_at) = (self.session, self.revision);
        let looping = Loop {
            session: self,
            updates: updates.clone(),
            tasks: Tasks::default(),
            keeping: None,
            tools_run: false,
        };
        let listeners = updates.clone();
        // All that the session does belongs together, whether somebody told it why or not.
        let agent = &*looping.session.hands.agent;
        let mut step = Step::begin(StepKind::Internal, "session");
        if here().is_none() {
            // Nobody asked from outside: the session is the agent's work as a whole.
            step.rename(format!("invoke_agent {agent}"));
            step.note("gen_ai.operation.name", "invoke_agent");
            step.note("gen_ai.conversation.id", session.to_string());
        }
        step.note("bottega.session", session.to_string());
        step.note("gen_ai.agent.name", agent);
        let running = spawn(TaskKind::Session, async move {
            if let Err(why) = step.around(contained(looping.run(mailbox))).await {
                step.failed("crash");
                let why = Arc::new(PlatformError::Broke { session, why });
                let _ = listeners.send(Update::Stopped { why });
            }
        });
        SessionHandle { session, opened_at, address, updates, _running: Arc::new(running) }
    }
}

struct Loop {
    session: Session,
    updates: broadcast::Sender<Update>,
    tasks: Tasks<EffectId, Carried>,
    /// A share of [`BLOBS`], as long as something is put that no event names yet.
    keeping: Option<Lease>,
    /// Whether tool calls are under way.
    tools_run: bool,
}

/// Tells the listeners that the loop is over, in whatever way it ends. Of a panic its supervisor tells.
struct Farewell {
    updates: broadcast::Sender<Update>,
    session: SessionId,
    told: bool,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if !self.told && !std::thread::panicking() {
            let why = Arc::new(PlatformError::Closed(self.session));
            let _ = self.updates.send(Update::Stopped { why });
        }
    }
}

impl Loop {
    async fn run(mut self, mut mailbox: Mailbox<Command>) {
        let mut farewell =
            Farewell { updates: self.updates.clone(), session: self.session.session, told: false };
        loop {
            let outcome = tokio::select! {
                (id, ended) = self.tasks.next() => self.carried(id, ended).await,
                command = mailbox.receive() => match command {
                    None => return,
                    Some(Command::Inputs(inputs, reply)) => {
                        let several = inputs.len() > 1;
                        let result = self.accept(inputs).await;
                        // The mind is ahead of the journal when the second of several is refused.
                        let fatal = match &result {
                            Ok(()) => false,
                            Err(PlatformError::Store(_) | PlatformError::Contended(_)) => true,
                            Err(_) => several,
                        };
                        // Whoever asked may have gone; what was stored stays stored.
                        let _ = reply.send(result);
                        if fatal { Err(PlatformError::Closed(self.session.session)) } else { Ok(()) }
                    }
                },
            };
            if let Err(error) = outcome {
                farewell.told = true;
                let _ = self.updates.send(Update::Stopped { why: Arc::new(error) });
                return;
            }
        }
    }

    /// An effect was carried out: its result is the next input.
    async fn carried(&mut self, id: EffectId, ended: Ended<Carried>) -> Result<(), PlatformError> {
        let effect = self.session.mind.outstanding().into_iter().find(|effect| effect.id() == id);
        let input = match (ended, effect) {
            (_, None) | (Ended::Cancelled, _) => return Ok(()),
            (Ended::Done(carried), Some(_)) => carried.0,
            (Ended::Panicked(text), Some(effect)) => effect::panicked(&effect, &text),
        };
        match self.accept(vec![input]).await {
            // It came too late: the work was stopped meanwhile.
            Err(PlatformError::Refused(_)) => Ok(()),
            other => other,
        }
    }

    async fn accept(&mut self, mut inputs: Vec<Input>) -> Result<(), PlatformError> {
        self.keep_blobs().await?;
        for input in &mut inputs {
            if let Input::Interrupt(reports) | Input::TimeUp(reports) = input {
                reports.extend(self.stop_work().await);
            }
        }
        let accepted = self.follow(inputs).await;
        if !self.tools_run {
            self.keeping = None;
        }
        accepted
    }

    /// Stops the tools that are at work, and waits for their word on what they changed: a person who stops a command
    /// wants to take back what it did. What does not answer in time is cancelled like everything else.
    async fn stop_work(&mut self) -> Vec<ToolReport> {
        let at_work = self.session.hands.scope.at_work();
        let mut reports = Vec::new();
        if at_work.is_empty() {
            return reports;
        }
        // Those that wait for their turn must not get it now.
        let waiting =
            |id: &&EffectId| !matches!(id, EffectId::Call(call) if at_work.contains(call));
        let waiting: Vec<EffectId> = self.tasks.names().filter(waiting).copied().collect();
        for name in waiting {
            self.tasks.cancel(&name);
        }
        self.session.hands.scope.stop_work();
        let answers = async {
            while self.tasks.names().next().is_some() {
                if let (_, Ended::Done(Carried(Input::ToolEnded(report)))) = self.tasks.next().await
                {
                    reports.push(report);
                }
            }
        };
        bottega_actor::within(STOPPING, answers).await;
        reports
    }

    /// From here on nobody forgets a blob that is put for this session, until an event names it.
    async fn keep_blobs(&mut self) -> Result<(), PlatformError> {
        for _ in 0..SWEEP_LOOKS {
            if self.keeping.is_none() {
                self.keeping = self.session.leases.share(BLOBS)?;
            }
            if self.keeping.is_some() {
                return Ok(());
            }
            bottega_actor::sleep(SWEEP_PAUSE).await;
        }
        let why = "blobs of removed sessions are being forgotten; try again".to_owned();
        Err(StoreError::Busy(why).into())
    }

    /// Decides, folds, stores, and starts what is outstanding.
    async fn follow(&mut self, inputs: Vec<Input>) -> Result<(), PlatformError> {
        let now = self.session.clock.now();
        let mut events = Vec::new();
        for mut input in inputs {
            if let Input::Task(task) = &mut input {
                attachments::keep(task, self.session.blobs.as_ref()).await?;
            }
            let decided = self.session.mind.decide(input, now)?;
            // Folded before they are stored, so that the next input is decided on them. When they can't be stored the
            // loop ends, and the mind with it; until then nothing is started on their account.
            for event in &decided {
                self.session.mind.evolve(event, now);
            }
            events.extend(decided);
        }
        if !events.is_empty() {
            self.store(&events, now).await?;
            for event in events {
                if let SessionEvent::Rerouted(to) = &event {
                    self.session.hands.scope.reroute(to.mode);
                }
                self.session.revision.0 += 1;
                note_broken_off(&mut self.session.hands.broken_off, &event);
                let thinner = match attachments::for_journal(&event) {
                    Cow::Owned(stored) => Some(stored),
                    Cow::Borrowed(_) => None,
                };
                let _ = self.updates.send(Update::Stored {
                    revision: self.session.revision,
                    at: now,
                    event: Arc::new(thinner.unwrap_or(event)),
                });
            }
        }
        self.reconcile();
        Ok(())
    }

    async fn store(&self, events: &[SessionEvent], now: Timestamp) -> Result<(), PlatformError> {
        let Session { session, revision, journal, entropy, .. } = &self.session;
        // One id for all attempts: if the first one was stored although it seemed to fail, the second is
        // recognised and appends nothing.
        let append = Append {
            command: CommandId::new(now, entropy.as_ref()),
            at: now,
            batches: vec![Batch {
                stream: StreamId::session(*session),
                expected: Expected::At(*revision),
                events: events.iter().map(|it| attachments::for_journal(it).encode()).collect(),
            }],
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            match journal.append(append.clone()).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Store(StoreError::Full(_) | StoreError::Busy(_)))
                    if attempt < STORE_ATTEMPTS =>
                {
                    bottega_actor::sleep(Duration::from_secs(1 << attempt)).await;
                }
                Err(error) => return Err(PlatformError::of_append(*session, error)),
            }
        }
    }

    /// Starts what is outstanding and not under way, and cancels what is no longer wanted.
    fn reconcile(&mut self) {
        let outstanding = self.session.mind.outstanding();
        let unwanted: Vec<EffectId> = self
            .tasks
            .names()
            .filter(|name| !outstanding.iter().any(|effect| effect.id() == **name))
            .copied()
            .collect();
        for name in unwanted {
            self.tasks.cancel(&name);
        }
        self.tools_run =
            outstanding.iter().any(|effect| effect::kind(effect) == TaskKind::ToolCall);
        for effect in outstanding {
            let (id, kind) = (effect.id(), effect::kind(&effect));
            if self.tasks.names().any(|name| *name == id) {
                continue;
            }
            let work = self.work(effect);
            self.tasks.start(id, kind, work);
        }
    }

    fn work(&self, effect: Effect) -> impl Future<Output = Carried> + Send + use<> {
        let listener = effect::Listener { updates: self.updates.clone() };
        let now = self.session.clock.now();
        carried(self.session.hands.clone().carry_out(self.session.session, effect, listener, now))
    }
}

/// Keeps count of the models that broke off since the last whole answer or the last task.
pub(crate) fn note_broken_off(broken_off: &mut Vec<ModelRef>, event: &SessionEvent) {
    match event {
        SessionEvent::ModelFailed(failed) if failed.spent != Spent::default() => {
            broken_off.extend(failed.by.clone());
        }
        SessionEvent::ModelAnswered(_) | SessionEvent::Tasked(_) => broken_off.clear(),
        SessionEvent::ModelFailed(_)
        | SessionEvent::Started(_)
        | SessionEvent::Rerouted(_)
        | SessionEvent::Surveyed(_)
        | SessionEvent::Stepped(_)
        | SessionEvent::Rewound(_)
        | SessionEvent::ModelAsked(_)
        | SessionEvent::ToolStarted(_)
        | SessionEvent::ToolFinished(_)
        | SessionEvent::Compacted(_)
        | SessionEvent::Nudged(_)
        | SessionEvent::Undone(_)
        | SessionEvent::Ended(_)
        | SessionEvent::Removed(_) => {}
    }
}
