//! The agent platform: opens sessions and keeps what they share.

use std::collections::BTreeMap;
use std::sync::Arc;

use bottega_behaviour::{Input, Mind};
use bottega_event::{Fork, Removed, Revision, SessionEvent, Started, StreamId};
use bottega_gateway::Gateway;
use bottega_store::{
    Append, Batch, Blobs, Expected, Journal, Lease, Leases, Projections, catch_up,
};
use bottega_toolhost::SessionScope;
use bottega_types::{Clock, CommandId, Digest, Entropy, SessionId};
use tokio::sync::Semaphore;

use crate::effect::Hands;
use crate::history::read_own;
use crate::session::Session;
use crate::undo::{self, UndoOutcome};
use crate::{CostView, Ground, Happened, PlatformError, SessionHandle, SessionView, read_history};

/// Makes a new mind of one kind of agent.
pub type MindMaker = Arc<dyn Fn() -> Box<dyn Mind> + Send + Sync>;

/// The agent platform.
#[derive(Clone)]
pub struct Platform {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Large things.
    pub blobs: Arc<dyn Blobs>,
    /// Views.
    pub views: Arc<dyn Projections>,
    /// Who works on which session, over all processes.
    pub leases: Arc<dyn Leases>,
    /// Models.
    pub gateway: Gateway,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub entropy: Arc<dyn Entropy>,
    /// The kinds of agents, by name.
    pub minds: Arc<BTreeMap<String, MindMaker>>,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("minds", &self.minds.keys()).finish_non_exhaustive()
    }
}

impl Platform {
    /// A fresh name for a session.
    #[must_use]
    pub fn fresh_session(&self) -> SessionId {
        SessionId::new(self.clock.now(), self.entropy.as_ref())
    }

    /// Begins a session. Returns when its beginning is stored.
    pub async fn begin(
        &self,
        started: Started,
        ground: Ground,
    ) -> Result<SessionHandle, PlatformError> {
        let mind = self.mind(&started.agent)?;
        let lease = self.lease(started.session)?;
        let live = self.live(started.session, &started.agent, mind, Revision(0), ground, lease);
        let handle = live.start();
        handle.input(Input::Start(started)).await?;
        Ok(handle)
    }

    /// Opens a session that is in the journal. Nothing happens in it until it gets an input:
    /// [`Input::Resume`] to go on with work whose process ended, or a task.
    pub async fn reopen(
        &self,
        session: SessionId,
        ground: Ground,
    ) -> Result<SessionHandle, PlatformError> {
        // The lease first: what is read after it is what nobody else changes any more.
        let lease = self.lease(session)?;
        let history = read_history(self.journal.as_ref(), session).await?;
        let started = started(&history).ok_or(PlatformError::NoSession(session))?;
        let mut mind = self.mind(&started.agent)?;
        let mut revision = Revision(0);
        for happened in &history {
            mind.evolve(&happened.event, happened.at);
            revision = happened.revision;
        }
        Ok(self.live(session, &started.agent, mind, revision, ground, lease).start())
    }

    /// How a session was started, later changes of model, mode and limits included.
    pub async fn started(&self, session: SessionId) -> Result<Started, PlatformError> {
        let history = read_history(self.journal.as_ref(), session).await?;
        let mut first = started(&history).cloned().ok_or(PlatformError::NoSession(session))?;
        for happened in &history {
            if let SessionEvent::Rerouted(to) = &happened.event {
                first.model = to.model.clone();
                first.mode = to.mode;
                first.limits = to.limits;
            }
        }
        Ok(first)
    }

    /// A new session whose history is that of `session`, up to `upto` when it is named. Returns its name.
    pub async fn fork(
        &self,
        session: SessionId,
        upto: Option<Revision>,
    ) -> Result<SessionId, PlatformError> {
        let own = read_own(self.journal.as_ref(), session, upto).await?;
        let revision = own.last().map_or(Revision(0), |last| last.revision);
        let started = self.started(session).await?;
        let fork = self.fresh_session();
        let forked_from = Some(Fork { session, revision });
        let event = SessionEvent::Started(Started { session: fork, forked_from, ..started });
        self.append(fork, Expected::At(Revision(0)), vec![event.encode()]).await?;
        Ok(fork)
    }

    /// Takes back the file changes of the last `steps` changing calls of a session, all when absent.
    pub async fn undo(
        &self,
        session: SessionId,
        steps: Option<usize>,
        ground: Ground,
    ) -> Result<UndoOutcome, PlatformError> {
        // Opened first: while this holds the session, nobody else changes what is planned here.
        let handle = self.reopen(session, ground.clone()).await?;
        let history = read_own(self.journal.as_ref(), session, None).await?;
        if undo::is_open(&history) {
            return Err(bottega_behaviour::Refusal::Busy.into());
        }
        let plan = undo::plan_undo(&history, steps);
        let outcome =
            undo::carry_out(&plan, ground.workspace.as_ref(), self.blobs.as_ref()).await?;
        if !outcome.restored.is_empty() {
            let undone = bottega_event::Undone {
                calls: undo::undone(&plan, &outcome),
                paths: outcome.restored.clone(),
            };
            handle.input(Input::Undone(undone)).await?;
        }
        Ok(outcome)
    }

    /// Takes a session out of the lists, and forgets the blobs that no other session needs.
    pub async fn remove(&self, session: SessionId) -> Result<u64, PlatformError> {
        let _lease = self.lease(session)?;
        read_history(self.journal.as_ref(), session).await?;
        let event = SessionEvent::Removed(Removed {}).encode();
        self.append(session, Expected::Any, vec![event]).await?;
        let needed = self.needed_blobs().await?;
        Ok(self.blobs.sweep(&|digest| needed.contains(digest)).await?)
    }

    /// Brings the views of sessions and costs up to the end of the journal.
    pub async fn refresh_views(&self) -> Result<(), PlatformError> {
        catch_up(&SessionView, self.journal.as_ref(), self.views.as_ref()).await?;
        catch_up(&CostView, self.journal.as_ref(), self.views.as_ref()).await?;
        Ok(())
    }

    async fn append(
        &self,
        session: SessionId,
        expected: Expected,
        events: Vec<bottega_event::NewEvent>,
    ) -> Result<(), PlatformError> {
        let at = self.clock.now();
        let append = Append {
            command: CommandId::new(at, self.entropy.as_ref()),
            at,
            batches: vec![Batch { stream: StreamId::session(session), expected, events }],
        };
        let appended = self.journal.append(append).await;
        appended.map(|_| ()).map_err(|error| PlatformError::of_append(session, error))
    }

    /// The blobs that sessions which were not removed refer to.
    async fn needed_blobs(&self) -> Result<std::collections::BTreeSet<Digest>, PlatformError> {
        let mut by_session = BTreeMap::<String, Vec<Digest>>::new();
        // A fork lives on its parent's history, so the parent's blobs stay.
        let mut forked = std::collections::BTreeSet::new();
        let mut after = bottega_event::Position(0);
        loop {
            let records = self.journal.read_all(after, 1_000).await?;
            let Some(last) = records.last() else { break };
            after = last.position;
            for record in &records {
                if record.stream.as_session().is_none() {
                    continue;
                }
                let blobs = by_session.entry(record.stream.to_string()).or_default();
                let event = SessionEvent::decode(&record.event)?;
                if matches!(event, SessionEvent::Removed(_)) && !forked.contains(&record.stream) {
                    blobs.clear();
                }
                if let SessionEvent::Started(Started { forked_from: Some(fork), .. }) = &event {
                    forked.insert(StreamId::session(fork.session));
                }
                blobs.extend(undo::blobs_of(&event));
            }
        }
        Ok(by_session.into_values().flatten().collect())
    }

    /// The right to work on a session, which one process has at a time.
    fn lease(&self, session: SessionId) -> Result<Lease, PlatformError> {
        let lease = self.leases.lease(&session.to_string())?;
        lease.ok_or(PlatformError::Contended(session))
    }

    fn mind(&self, agent: &str) -> Result<Box<dyn Mind>, PlatformError> {
        let make = self.minds.get(agent).ok_or_else(|| PlatformError::NoAgent(agent.to_owned()))?;
        Ok(make())
    }

    fn live(
        &self,
        session: SessionId,
        agent: &str,
        mind: Box<dyn Mind>,
        revision: Revision,
        ground: Ground,
        lease: Lease,
    ) -> Session {
        let scope = Arc::new(SessionScope::new(session, ground.mode));
        let tool_slots = Arc::new(Semaphore::new(ground.parallel_tools.max(1)));
        Session {
            session,
            mind,
            revision,
            _lease: lease,
            journal: self.journal.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            hands: Hands {
                agent: agent.into(),
                gateway: self.gateway.clone(),
                ground,
                scope,
                tool_slots,
            },
        }
    }
}

/// The session's own beginning: of a fork, the last of the beginnings in its history.
fn started(history: &[Happened]) -> Option<&Started> {
    history.iter().rev().find_map(|happened| {
        let SessionEvent::Started(started) = &happened.event else { return None };
        Some(started)
    })
}
