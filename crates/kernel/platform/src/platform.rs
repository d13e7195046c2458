//! The agent platform: opens sessions and keeps what they share.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bottega_actor::Line;
use bottega_behaviour::{Input, Mind};
use bottega_event::{Fork, Removed, Revision, SessionEvent, Started, StreamId, Tasked};
use bottega_gateway::Gateway;
use bottega_store::{
    Append, Batch, Blobs, Expected, Journal, Lease, Leases, MemoryStore, Projections, StoreError,
    audit, catch_up,
};
use bottega_telemetry::here;
use bottega_toolhost::{GrantBook, SessionScope};
use bottega_types::{Clock, CommandId, Digest, Entropy, SessionId};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;

use crate::blob_audit::NamedBlobs;
use crate::effect::Hands;
use crate::history::{read_chapters, read_own};
use crate::session::{BLOBS, Session, note_broken_off};
use crate::undo::{self, UndoOutcome};
use crate::{
    BlobAudit, CostView, Ground, Happened, Minds, PlatformError, SessionHandle, SessionView,
    Update, attachments, read_history,
};

/// How often, and after what pause, is looked whether a session is free before it counts as in use.
const LEASE_LOOKS: u32 = 10;
const LEASE_PAUSE: Duration = Duration::from_millis(20);

/// Records that are read at a time.
const PAGE: usize = 1_000;

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
    pub minds: Arc<Minds>,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("minds", &self.minds).finish_non_exhaustive()
    }
}

impl Platform {
    /// What people allowed for more than one call.
    #[must_use]
    pub fn grants(&self) -> Arc<GrantBook> {
        let (journal, clock) = (self.journal.clone(), self.clock.clone());
        Arc::new(GrantBook::new(journal, clock, self.entropy.clone()))
    }

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
        let lease = self.lease(started.session).await?;
        let live = self.live(started.session, &started.agent, mind, ground, lease);
        let handle = live.start();
        handle.input(Input::Start(caused(started))).await?;
        Ok(handle)
    }

    /// Begins a session with its first task: both are stored, or neither is. Returns it with everything that happens
    /// in it, from its first event on.
    pub async fn begin_with(
        &self,
        started: Started,
        task: Tasked,
        ground: Ground,
    ) -> Result<(SessionHandle, Receiver<Update>), PlatformError> {
        let mind = self.mind(&started.agent)?;
        let lease = self.lease(started.session).await?;
        let handle = self.live(started.session, &started.agent, mind, ground, lease).start();
        let updates = handle.updates();
        handle.inputs(vec![Input::Start(caused(started)), Input::Task(task)]).await?;
        Ok((handle, updates))
    }

    /// Opens a session that is in the journal. Nothing happens in it until it gets an input:
    /// [`Input::Resume`] to go on with work whose process ended, or a task.
    pub async fn reopen(
        &self,
        session: SessionId,
        ground: Ground,
    ) -> Result<SessionHandle, PlatformError> {
        // The lease first: what is read after it is what nobody else changes any more.
        let lease = self.lease(session).await?;
        let mut history = read_history(self.journal.as_ref(), session).await?;
        attachments::fill(&mut history, self.blobs.as_ref()).await?;
        let agent = started(&history).ok_or(PlatformError::NoSession(session))?.agent;
        let mind = self.mind(&agent)?;
        let mut live = self.live(session, &agent, mind, ground, lease);
        for happened in &history {
            live.mind.evolve(&happened.event, happened.at);
            live.revision = happened.revision;
            note_broken_off(&mut live.hands.broken_off, &happened.event);
            if let SessionEvent::ToolFinished(report) = &happened.event {
                live.hands.scope.read_from(&report.origins);
            }
        }
        Ok(live.start())
    }

    /// How a session was started, later changes of model, mode and limits included.
    pub async fn started(&self, session: SessionId) -> Result<Started, PlatformError> {
        let history = read_history(self.journal.as_ref(), session).await?;
        started(&history).ok_or(PlatformError::NoSession(session))
    }

    /// A new session whose history is that of `session`, up to the place `upto` of it when it is named, with the
    /// model, mode and limits of that moment. Returns its name.
    ///
    /// Places count from 1 over the whole history, what `session` shares with others included.
    pub async fn fork(
        &self,
        session: SessionId,
        upto: Option<u64>,
    ) -> Result<SessionId, PlatformError> {
        let chapters = read_chapters(self.journal.as_ref(), session).await?;
        let last = chapters.iter().map(|chapter| chapter.events.len() as u64).sum();
        let at = upto.unwrap_or(last);
        if !(1..=last).contains(&at) {
            return Err(PlatformError::NoPlace { session, at, last });
        }
        let (mut history, mut forked_from) = (Vec::new(), None);
        for chapter in chapters {
            let left = usize::try_from(at).unwrap_or(usize::MAX) - history.len();
            let shared = chapter.events.into_iter().take(left);
            history.extend(shared.inspect(|it| {
                forked_from = Some(Fork { session: chapter.session, revision: it.revision });
            }));
        }
        let started = started(&history).ok_or(PlatformError::NoSession(session))?;
        let fork = self.fresh_session();
        let event =
            SessionEvent::Started(caused(Started { session: fork, forked_from, ..started }));
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
        let mut outcome =
            undo::carry_out(&plan, ground.workspace.as_ref(), self.blobs.as_ref()).await?;
        outcome.unkept = undo::unkept(&history, steps);
        let paths = [&outcome.restored[..], &outcome.removed].concat();
        let calls = undo::undone(&plan, &outcome);
        // Calls that cancel each other out are taken back without anything being done.
        if !paths.is_empty() || !calls.is_empty() {
            let undone = bottega_event::Undone { calls, paths };
            handle.input(Input::Undone(undone)).await?;
        }
        Ok(outcome)
    }

    /// The records of a session's whole history as lines of JSON, as in an export of the whole journal, and after them
    /// the files of its tasks that only blobs hold.
    pub async fn export(&self, session: SessionId) -> Result<Vec<String>, PlatformError> {
        let (mut lines, mut files) = (Vec::new(), std::collections::BTreeSet::new());
        for chapter in read_chapters(self.journal.as_ref(), session).await? {
            let stream = StreamId::session(chapter.session);
            let last = chapter.events.last().map_or(Revision(0), |last| last.revision);
            let mut after = Revision(0);
            while after < last {
                let page = usize::try_from(last.0 - after.0).unwrap_or(PAGE).min(PAGE);
                let records = self.journal.read_stream(&stream, after, page).await?;
                let Some(read) = records.last() else { break };
                after = read.revision;
                for record in &records {
                    lines.push(line(&audit::Line::from(record))?);
                    files.extend(attachments::apart(&SessionEvent::decode(&record.event)?));
                }
            }
        }
        for blob in files {
            // What was forgotten can't be handed out; the record still says that it was there.
            if let Some(bytes) = self.blobs.get(blob).await? {
                let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
                lines.push(line(&ExportedBlob { blob, base64 })?);
            }
        }
        Ok(lines)
    }

    /// Takes a session out of the lists, and forgets the blobs that no other session needs. While somebody stores
    /// blobs, which no event names yet, none is forgotten: the next removal does it.
    pub async fn remove(&self, session: SessionId) -> Result<u64, PlatformError> {
        let _lease = self.lease(session).await?;
        read_history(self.journal.as_ref(), session).await?;
        let event = SessionEvent::Removed(Removed {}).encode();
        self.append(session, Expected::Any, vec![event]).await?;
        let Some(_alone) = self.leases.lease(BLOBS)? else { return Ok(0) };
        let needed = NamedBlobs::read(self.journal.as_ref()).await?;
        if let Some(error) = needed.unread {
            return Err(error.into());
        }
        let needed = needed.needed;
        Ok(self.blobs.sweep(&|digest| needed.contains(digest)).await?)
    }

    /// The views of sessions and costs, up to the end of the journal. Where they can't be written now they are
    /// folded in memory, for this once: a full disk keeps nobody from reading.
    pub async fn fresh_views(&self) -> Result<Arc<dyn Projections>, PlatformError> {
        match self.refresh(self.views.as_ref()).await {
            Ok(()) => Ok(self.views.clone()),
            Err(StoreError::Full(_) | StoreError::ReadOnly(_) | StoreError::Busy(_)) => {
                let memory = Arc::new(MemoryStore::new());
                self.refresh(memory.as_ref()).await?;
                Ok(memory)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn refresh(&self, views: &dyn Projections) -> Result<(), StoreError> {
        catch_up(&SessionView, self.journal.as_ref(), views).await?;
        catch_up(&CostView, self.journal.as_ref(), views).await?;
        Ok(())
    }

    /// Reads every blob that an event refers to, and says which are not what was kept.
    pub async fn verify_blobs(&self) -> Result<BlobAudit, PlatformError> {
        BlobAudit::make(self.journal.as_ref(), self.blobs.as_ref()).await
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

    /// The right to work on a session, which one process has at a time. A handle that was just dropped here gives
    /// it back in a moment.
    async fn lease(&self, session: SessionId) -> Result<Lease, PlatformError> {
        for look in 0..LEASE_LOOKS {
            if look > 0 {
                bottega_actor::sleep(LEASE_PAUSE).await;
            }
            if let Some(lease) = self.leases.lease(&session.to_string())? {
                return Ok(lease);
            }
        }
        Err(PlatformError::Contended(session))
    }

    fn mind(&self, agent: &str) -> Result<Box<dyn Mind>, PlatformError> {
        self.minds.make(agent).ok_or_else(|| PlatformError::NoAgent(agent.to_owned()))
    }

    fn live(
        &self,
        session: SessionId,
        agent: &str,
        mind: Box<dyn Mind>,
        ground: Ground,
        lease: Lease,
    ) -> Session {
        let project = ground.workspace.root().display().to_string();
        let scope = SessionScope::new(session, ground.mode).with_book(self.grants(), project);
        let scope = Arc::new(scope);
        let tool_slots = Arc::new(Semaphore::new(ground.parallel_tools.max(1)));
        Session {
            session,
            mind,
            revision: Revision(0),
            _lease: lease,
            journal: self.journal.clone(),
            blobs: self.blobs.clone(),
            leases: self.leases.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            hands: Hands {
                agent: agent.into(),
                gateway: self.gateway.clone(),
                ground,
                scope,
                tool_slots,
                entries: Line::default(),
                order: Line::default(),
                broken_off: Vec::new(),
            },
        }
    }
}

/// A beginning, with what causes it.
fn caused(started: Started) -> Started {
    Started { trace: here().map(|trail| trail.context().clone()), ..started }
}

/// The session's own beginning, with the model, mode and limits that were set since. Of a fork it is the last of the
/// beginnings in its history.
fn started(history: &[Happened]) -> Option<Started> {
    let begun = history.iter().rposition(|it| matches!(it.event, SessionEvent::Started(_)))?;
    let SessionEvent::Started(started) = &history[begun].event else { return None };
    let mut started = started.clone();
    for happened in &history[begun..] {
        if let SessionEvent::Rerouted(to) = &happened.event {
            (started.mode, started.limits) = (to.mode, to.limits);
            started.model = to.model.clone();
        }
    }
    Some(started)
}

/// A file of a task in an export, by the digest that its record names.
#[derive(Serialize)]
struct ExportedBlob {
    blob: Digest,
    base64: String,
}

fn line(value: &impl Serialize) -> Result<String, PlatformError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(error.to_string()).into())
}
