//! The blackboard as an agent, and as what others write on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bottega_acl::blackboard::{Board, BoardChange, BoardRefusal, Entry, Take, Write};
use bottega_acl::topic::TopicName;
use bottega_acl::{AgentName, Aid, Message, Performative};
use bottega_actor::{Running, TaskKind, spawn};
use bottega_agency::{AgencyError, HostSpec, requested, say};
use bottega_behaviour::{Letter, Office, Resident, Trouble};
use bottega_event::{BoardChanged, BoardEvent, BoardRefused, Revision, StreamId};
use bottega_store::{Append, Batch, Expected, catch_up};
use bottega_types::{CommandId, Digest, MessageId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::board_view::{BoardView, Placed};
use crate::error::GroupError;
use crate::exchange::{self, Exchange, Options, Publication, lasting};

/// What the blackboard is called, before the `@`, and the first word of the topics on which its changes are published.
pub(crate) const NAME: &str = "blackboard";
/// What a content must look like.
const EXAMPLE: &str = r#"{"action":"write","name":"work.hinge","value":"forge a hinge"}"#;
/// Rows of a view that are read at a time.
const ROWS: usize = 512;
/// Entries that are listed where nothing is said.
const LISTED: usize = 100;
/// Entries that are listed at most.
const MOST: usize = 1_000;
/// How long is waited before what could not be stored is tried again.
const REST: Duration = Duration::from_secs(1);

/// Something that is to be done to the blackboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// An entry is to be written.
    Write(Write),
    /// One is to be taken away.
    Take(Take),
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// The entry was written.
    Written {
        /// Under which name.
        name: TopicName,
        /// What stands there now.
        entry: Entry,
    },
    /// The entry was taken.
    Taken {
        /// Its name.
        name: TopicName,
        /// What stood there.
        entry: Entry,
    },
}

/// Keeps named entries, and publishes each change of theirs.
pub struct Blackboard {
    wall: Arc<Wall>,
    _keeper: Running<()>,
}

impl std::fmt::Debug for Blackboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blackboard").field("me", &self.wall.me).finish_non_exhaustive()
    }
}

/// What the blackboard, its agent and its keeper of times share.
struct Wall {
    me: Aid,
    options: Options,
    exchange: Exchange,
    board: Mutex<Board>,
    /// Held from a decision until its publication.
    turn: tokio::sync::Mutex<()>,
    /// An entry came whose time will be over.
    timed: Notify,
    /// The latest change of an earlier process, until it was told.
    left: Mutex<Option<Placed>>,
}

impl Blackboard {
    /// One that is not begun yet. Its changes are published at `exchange`.
    ///
    /// # Errors
    /// When the platform's name gives no name for it.
    pub fn new(options: Options, exchange: Exchange) -> Result<Self, GroupError> {
        let name: AgentName = format!("{NAME}@{}", options.agency.platform()).parse().map_err(
            |error: bottega_acl::NotAnAgentName| AgencyError::Malformed(error.to_string()),
        )?;
        let wall = Arc::new(Wall {
            me: Aid::new(name),
            options,
            exchange,
            board: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            timed: Notify::new(),
            left: Mutex::default(),
        });
        let shared = Arc::clone(&wall);
        let keeper = spawn(TaskKind::Alarm, async move {
            loop {
                shared.wait().await;
                if let Err(error) = shared.expire().await {
                    tracing::warn!(%error, "entries whose time is over could not be stored as such");
                    bottega_actor::sleep(REST).await;
                }
            }
        });
        Ok(Self { wall, _keeper: keeper })
    }

    /// Reads what stands since earlier processes, and lets the blackboard live in its agency. The exchange has begun.
    ///
    /// # Errors
    /// When its name is taken, and when the store fails.
    pub async fn begin(&self) -> Result<(), GroupError> {
        let wall = &self.wall;
        wall.restore().await?;
        let shared = Arc::clone(wall);
        let make = move || -> Box<dyn Resident> { Box::new(Scribe(Arc::clone(&shared))) };
        let kind = "native blackboard".to_owned();
        let spec = HostSpec::new(wall.me.name().clone(), make).durable();
        wall.options.agency.host(HostSpec { kind, backoff: exchange::REST, ..spec }).await?;
        wall.timed.notify_one();
        Ok(())
    }

    /// Publishes what an earlier process may not have: its latest change. Each waits for the one before it to be told, so
    /// no other can be missing. Those who subscribed live here by now; whoever changes the board earlier tells it first.
    pub async fn tell_latest(&self) {
        let _turn = self.wall.turn.lock().await;
        self.wall.tell_left().await;
    }

    /// Carries out a wish. One of a name is carried out once, however often it comes, and hears the same.
    ///
    /// # Errors
    /// When the board refuses, the name is none, or the store fails.
    pub async fn carry_out(
        &self,
        wish: Wish,
        id: Option<MessageId>,
    ) -> Result<Carried, GroupError> {
        lasting(Arc::clone(&self.wall).carry_out(wish, id)).await
    }

    /// What stands under a name.
    #[must_use]
    pub fn read(&self, name: &TopicName) -> Option<Entry> {
        let now = self.wall.options.clock.now();
        self.wall.board().read(name, now).cloned()
    }

    /// What stands under a name and the names that go on after it with more words, at most `limit`.
    #[must_use]
    pub fn list(&self, prefix: &str, limit: usize) -> Vec<(TopicName, Entry)> {
        self.wall.list(prefix, limit)
    }
}

impl Wall {
    /// Every change under this lock is one step, so a poisoned one still guards whole data.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self, prefix: &str, limit: usize) -> Vec<(TopicName, Entry)> {
        let now = self.options.clock.now();
        let board = self.board();
        let listed = board.list(prefix, limit.min(MOST), now).into_iter();
        listed.map(|(name, entry)| (name.clone(), entry.clone())).collect()
    }

    async fn restore(&self) -> Result<(), GroupError> {
        let Options { journal, views, .. } = &self.options;
        catch_up(&BoardView, journal.as_ref(), views.as_ref()).await?;
        let read = |row: &[u8]| serde_json::from_slice::<Placed>(row).ok();
        let mut latest = None;
        let mut after = None::<String>;
        loop {
            let page = views.rows(BoardView::NAME, "", after.as_deref(), ROWS).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, row) in &page {
                let Some(placed) = read(row) else { continue };
                match key.as_str() {
                    BoardView::LATEST => latest = Some(placed),
                    // Read first, for its key is; so the version is known whatever became of its entry.
                    BoardView::WRITTEN => self.board().replay_version(&placed.change),
                    _ => self.board().evolve(&placed.change),
                }
            }
        }
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = latest;
        Ok(())
    }

    /// Until an entry's time is over.
    async fn wait(&self) {
        loop {
            let first = self.board().first_expiry();
            let now = self.options.clock.now();
            match first {
                Some(at) if at <= now => return,
                Some(at) => {
                    // A clock may be set; it is looked at again now and then.
                    let span = at.since(now).min(Duration::from_secs(60));
                    let _ = bottega_actor::within(span, self.timed.notified()).await;
                }
                None => self.timed.notified().await,
            }
        }
    }

    async fn expire(&self) -> Result<(), GroupError> {
        loop {
            // Many may end together: whoever wants to write has its turn between two of them.
            let _turn = self.turn.lock().await;
            let over = self.board().expire(self.options.clock.now()).into_iter().next();
            let Some(change) = over else { return Ok(()) };
            let command = CommandId::new(self.options.clock.now(), self.options.entropy.as_ref());
            let event = BoardChanged { change: change.clone(), had: None };
            let (revision, _) = self.append(command, event.into()).await?;
            self.board().evolve(&change);
            self.publish(&change, revision).await;
        }
    }

    /// Where the event stands, and whether it had been stored before.
    async fn append(
        &self,
        command: CommandId,
        event: BoardEvent,
    ) -> Result<(Revision, bool), GroupError> {
        let Options { journal, clock, .. } = &self.options;
        let batch = Batch {
            stream: StreamId::blackboard(),
            expected: Expected::Any,
            events: vec![event.encode()],
        };
        let append = Append { command, at: clock.now(), batches: vec![batch] };
        let appended = journal.append(append).await?;
        let revision = appended.revisions.first().copied().unwrap_or(Revision(0));
        Ok((revision, appended.repeated))
    }

    async fn carry_out(
        self: Arc<Self>,
        wish: Wish,
        id: Option<MessageId>,
    ) -> Result<Carried, GroupError> {
        let name = match &wish {
            Wish::Write(write) => &write.name,
            Wish::Take(take) => &take.name,
        };
        // An entry whose changes could be told to nobody is refused before it stands.
        topic(name)?;
        let _turn = self.turn.lock().await;
        let Options { clock, entropy, .. } = &self.options;
        let now = clock.now();
        let decided = self.decide(wish, now);
        let command = match id {
            Some(id) => CommandId::from_bits(id.bits()).nth(0),
            None => CommandId::new(now, entropy.as_ref()),
        };
        let (change, had) = match decided {
            Ok(decided) => decided,
            Err(refusal) => {
                let refused = GroupError::Board(refusal);
                if id.is_none() {
                    return Err(refused);
                }
                // It may be refused for the very reason that it was carried out before.
                let event = BoardRefused { why: refused.to_string() };
                let (revision, repeated) = self.append(command, event.into()).await?;
                return if repeated { self.carried(revision).await } else { Err(refused) };
            }
        };
        let event = BoardChanged { change: change.clone(), had: had.clone().map(Box::new) };
        let (revision, repeated) = self.append(command, event.into()).await?;
        if repeated {
            return self.carried(revision).await;
        }
        self.board().evolve(&change);
        self.timed.notify_one();
        self.publish(&change, revision).await;
        outcome(change, had)
    }

    fn decide(
        &self,
        wish: Wish,
        now: Timestamp,
    ) -> Result<(BoardChange, Option<Entry>), BoardRefusal> {
        let board = self.board();
        match wish {
            Wish::Write(write) => board.write(write, now).map(|change| (change, None)),
            Wish::Take(take) => board.take(take, now).map(|(entry, change)| (change, Some(entry))),
        }
    }

    /// What became of a wish that was stored there.
    async fn carried(&self, revision: Revision) -> Result<Carried, GroupError> {
        let before = Revision(revision.0.saturating_sub(1));
        let stream = StreamId::blackboard();
        let records = self.options.journal.read_stream(&stream, before, 1).await?;
        match records.first().map(|record| BoardEvent::decode(&record.event)) {
            Some(Ok(BoardEvent::Changed(BoardChanged { change, had }))) => {
                outcome(change, had.map(|entry| *entry))
            }
            Some(Ok(BoardEvent::Refused(BoardRefused { why }))) => Err(GroupError::Refused(why)),
            Some(Err(error)) => Err(GroupError::Malformed(error.to_string())),
            None => Err(GroupError::Malformed("what became of it is not stored".to_owned())),
        }
    }

    async fn tell_left(&self) {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Placed { revision, change }) = left {
            self.tell(&change, revision).await;
        }
    }

    async fn publish(&self, change: &BoardChange, revision: Revision) {
        self.tell_left().await;
        self.tell(change, revision).await;
    }

    /// Named by its place, so that one that was told before is stored once.
    async fn tell(&self, change: &BoardChange, revision: Revision) {
        let Ok(topic) = topic(change.name()) else { return };
        let Ok(content) = serde_json::to_string(change) else { return };
        let parts: [&[u8]; 3] =
            [NAME.as_bytes(), self.me.name().as_str().as_bytes(), &revision.0.to_le_bytes()];
        let digest = Digest::of_parts(&parts);
        let mut bits = [0; 16];
        bits.copy_from_slice(&digest.as_bytes()[..16]);
        let publication = Publication {
            topic,
            message: Message::new(Performative::Inform).about(content),
            by: self.me.clone(),
            id: Some(MessageId::from_bits(u128::from_le_bytes(bits))),
            class: None,
        };
        let published = self.exchange.tell(publication).await;
        for (agent, why) in published.missed {
            tracing::debug!(%agent, %why, entry = %change.name(), "is not told of a change");
        }
    }
}

/// The topic on which changes of an entry are published.
fn topic(name: &TopicName) -> Result<TopicName, GroupError> {
    Ok(format!("{NAME}.{name}").parse()?)
}

fn outcome(change: BoardChange, had: Option<Entry>) -> Result<Carried, GroupError> {
    match (change, had) {
        (BoardChange::Written { name, entry }, _) => Ok(Carried::Written { name, entry }),
        (BoardChange::Taken { name, .. }, Some(entry)) => Ok(Carried::Taken { name, entry }),
        (BoardChange::Taken { .. } | BoardChange::Expired { .. }, _) => {
            Err(GroupError::Malformed("another event stands in its place".to_owned()))
        }
    }
}

/// What the blackboard is asked for: the content of a `request`, as JSON.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
enum Action {
    Write {
        name: TopicName,
        value: Value,
        /// How long it stands, in milliseconds.
        within_ms: Option<u64>,
        expected_version: Option<u64>,
    },
    Read {
        name: TopicName,
    },
    List {
        #[serde(default)]
        prefix: String,
        limit: Option<usize>,
    },
    Take {
        name: TopicName,
        expected_version: Option<u64>,
    },
}

/// The blackboard as those see it who talk to it.
struct Scribe(Arc<Wall>);

#[async_trait]
impl Resident for Scribe {
    async fn hear(&mut self, letter: &Letter, office: &dyn Office) -> Result<(), Trouble> {
        let Self(wall) = self;
        let message = &letter.message;
        let takes = "the blackboard takes a request to write, read, list or take";
        let asked: Action = match requested(message, takes, EXAMPLE) {
            Ok(action) => action,
            Err(why) => return say(office, message.not_understood(office.me(), &why)).await,
        };
        let Some(by) = &message.sender else { return Ok(()) };
        let answer = match wall.answer(asked, by.name().clone(), letter.id).await {
            Ok(done) => message.reply(Performative::Inform, office.me()).about(done.to_string()),
            Err(error) if error.is_passing() => return Err(Trouble(error.to_string())),
            Err(error) => message.reply(Performative::Refuse, office.me()).about(error.to_string()),
        };
        say(office, Some(answer)).await
    }
}

impl Wall {
    async fn answer(
        self: &Arc<Self>,
        action: Action,
        by: AgentName,
        id: Option<MessageId>,
    ) -> Result<Value, GroupError> {
        let now = self.options.clock.now();
        let wish = match action {
            Action::Read { name } => {
                let entry = self.board().read(&name, now).cloned();
                return Ok(json!({ "name": name, "entry": entry }));
            }
            Action::List { prefix, limit } => {
                let listed = self.list(&prefix, limit.unwrap_or(LISTED));
                let shown =
                    listed.iter().map(|(name, entry)| json!({ "name": name, "entry": entry }));
                return Ok(Value::Array(shown.collect()));
            }
            Action::Write { name, value, within_ms, expected_version } => Wish::Write(Write {
                name,
                value,
                author: by,
                expires: within_ms.map(|ms| now.plus(Duration::from_millis(ms))),
                expected_version,
            }),
            Action::Take { name, expected_version } => {
                Wish::Take(Take { name, by, expected_version })
            }
        };
        match lasting(Arc::clone(self).carry_out(wish, id)).await? {
            Carried::Written { name, entry } | Carried::Taken { name, entry } => {
                Ok(json!({ "name": name, "entry": entry }))
            }
        }
    }
}
