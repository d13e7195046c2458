//! The market as an agent, and as what others open tenders with.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bottega_acl::contract_net::Announcement;
use bottega_acl::{AgentName, Aid, Message, Performative, Standing, Timer};
use bottega_actor::{Running, TaskKind, spawn};
use bottega_agency::{Agency, AgencyError, Delivery, HostSpec};
use bottega_behaviour::{Letter as Heard, Office, Resident, Trouble, Undelivered, Unsent};
use bottega_event::{
    Letter, NewEvent, Position, Record, Revision, StreamId, TenderBidder, TenderChoice,
    TenderDecided, TenderEvent, TenderHeard, TenderLost, TenderOpened, TenderPassed, TenderTold,
};
use bottega_store::{
    Append, AppendError, Appended, Batch, Expected, Journal, Projection, Projections, StoreError,
    catch_up,
};
use bottega_telemetry::{Trail, along, here};
use bottega_types::{Clock, CommandId, ConversationId, Entropy, MessageId, TenderId, Timestamp};
use tokio::sync::{Mutex, mpsc};

use crate::case::{Case, Saying, Step};
use crate::deadlines::{Deadline, Deadlines};
use crate::order::{Order, OrderError};
use crate::reputation_view::{ReputationRow, ReputationView};
use crate::tender_view::{TenderRow, TenderView};

/// What the market is called, before the `@`.
const NAME: &str = "market";
/// Records that are read at a time.
const PAGE: usize = 1_000;
/// Rows of a view that are read at a time.
const ROWS: usize = 256;
/// The most who are called for bids.
const BIDDERS: usize = 1_000;
/// The timer of a look at a tender that may have been left in the middle of a step. The machine counts from 1.
const LOOK: Timer = Timer(0);
/// How long is waited before such a look, and before a deadline is told again that could not be stored.
const REST: std::time::Duration = std::time::Duration::from_secs(1);

/// What a market is made of.
pub struct Options {
    /// Where the bidders live.
    pub agency: Arc<Agency>,
    /// Where tenders are stored.
    pub journal: Arc<dyn Journal>,
    /// Views of it.
    pub views: Arc<dyn Projections>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub entropy: Arc<dyn Entropy>,
    /// The most tenders that may go on at a time.
    pub most: usize,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// Why the market did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// The order can't be taken.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Nobody could be called.
    #[error("nobody offers `{0}`")]
    Nobody(String),
    /// As many go on as may.
    #[error("{0} tenders go on, and more may not")]
    Full(usize),
    /// More than can be called.
    #[error("{0} would be called for bids; {BIDDERS} are called at most")]
    TooMany(usize),
    /// One who is to be called does not live here.
    #[error("no agent is called `{0}`")]
    Unknown(AgentName),
    /// The key under which it was to be opened stands for a tender of another order.
    #[error("this key was given before, with another task or other terms")]
    OtherOrder,
    /// There is no such tender.
    #[error("there is no tender {0}")]
    NoTender(TenderId),
    /// It can't be decided as things stand.
    #[error("{0}")]
    Impossible(String),
    /// What is stored was written by a newer build, or is damaged.
    #[error("the tender {0} can't be read: {1}")]
    Unreadable(TenderId, String),
    /// The market could not begin.
    #[error(transparent)]
    Agency(#[from] AgencyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store failed.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Puts tasks out to tender.
pub struct Market {
    floor: Arc<Floor>,
    _keeper: Running<()>,
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Market").field("me", &self.floor.me).finish_non_exhaustive()
    }
}

/// What the market, its agent and its keeper of deadlines share.
struct Floor {
    me: Aid,
    agency: Arc<Agency>,
    journal: Arc<dyn Journal>,
    views: Arc<dyn Projections>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    most: usize,
    arm: mpsc::UnboundedSender<Deadline>,
    /// Tenders that go on.
    stalls: Mutex<BTreeMap<TenderId, Arc<Stall>>>,
}

/// One tender, of which one step is taken at a time.
type Stall = Mutex<Held>;

/// A tender as this process knows it.
struct Held {
    id: TenderId,
    /// Nothing before it was read.
    case: Option<Case>,
    revision: Revision,
    /// Whether the journal has this and nothing else, and all was said that follows. Where a step was cut off between, the
    /// next one begins with what the journal has.
    sure: bool,
}

impl Market {
    /// A market that is not begun yet.
    ///
    /// # Errors
    /// When the platform's name gives no name for it.
    pub fn new(options: Options) -> Result<Self, MarketError> {
        let Options { agency, journal, views, clock, entropy, most } = options;
        let name: AgentName = format!("{NAME}@{}", agency.platform()).parse().map_err(
            |error: bottega_acl::NotAnAgentName| AgencyError::Malformed(error.to_string()),
        )?;
        let (arm, mut deadlines) = Deadlines::new();
        let me = Aid::new(name);
        let stalls = Mutex::default();
        let floor =
            Arc::new(Floor { me, agency, journal, views, clock, entropy, most, arm, stalls });
        let shared = Arc::clone(&floor);
        let keeper = spawn(TaskKind::Alarm, async move {
            while let Some(deadline) = deadlines.next(shared.clock.as_ref()).await {
                shared.passed(deadline).await;
            }
        });
        Ok(Self { floor, _keeper: keeper })
    }

    /// Lets every tender go on that an earlier process left open, and lets the market live in its agency. The bidders
    /// should live there already: one who does not is lost to its tender.
    ///
    /// # Errors
    /// When the name of the market is taken, and when the store fails.
    pub async fn begin(&self) -> Result<(), MarketError> {
        let floor = &self.floor;
        let shared = Arc::clone(floor);
        let make = move || -> Box<dyn Resident> { Box::new(Auctioneer(Arc::clone(&shared))) };
        let kind = "native market".to_owned();
        let name = floor.me.name().clone();
        // Nobody is answered before the tenders stand that the answers are for.
        floor.restore().await?;
        floor.agency.host(HostSpec { kind, ..HostSpec::new(name, make).durable() }).await?;
        Ok(())
    }

    /// The agent to whom requests are said.
    #[must_use]
    pub fn name(&self) -> &AgentName {
        self.floor.me.name()
    }

    /// Puts a task out to tender for `by`. Returns when it is stored; what follows can be watched by [`Self::tender`].
    ///
    /// # Errors
    /// When the order can't be taken, nobody could be called, or the store fails.
    pub async fn open(&self, by: AgentName, order: Order) -> Result<TenderId, MarketError> {
        let id = TenderId::new(self.floor.clock.now(), self.floor.entropy.as_ref());
        self.floor.open(id, by, order, None).await?;
        Ok(id)
    }

    /// Puts a task out to tender, once for each `key`: the tender of the first time is given back afterwards.
    ///
    /// # Errors
    /// As [`Self::open`], and [`MarketError::OtherOrder`] when the key was that of another order.
    pub async fn open_once(
        &self,
        key: CommandId,
        by: AgentName,
        order: Order,
    ) -> Result<TenderId, MarketError> {
        let floor = &self.floor;
        let id = TenderId::new(floor.clock.now(), floor.entropy.as_ref());
        match floor.open_by(key, id, by.clone(), order.clone(), None).await? {
            None => Ok(id),
            Some(at) => floor.opened_before(at, &by, &order).await,
        }
    }

    /// Decides about a tender that is open.
    ///
    /// # Errors
    /// When there is no such tender, it can't be decided as things stand, or the store fails.
    pub async fn decide(&self, id: TenderId, choice: TenderChoice) -> Result<(), MarketError> {
        self.floor.look_soon(id);
        self.floor.step(id, TenderDecided { choice }.into()).await
    }

    /// One tender.
    pub async fn tender(&self, id: TenderId) -> Result<TenderRow, MarketError> {
        self.floor.catch_up(&TenderView).await?;
        let row = self.floor.views.row(TenderView::NAME, &TenderView::key(id)).await?;
        let row = row.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        row.ok_or(MarketError::NoTender(id))
    }

    /// The latest tenders, or those that are older than `before`, at most `limit`, the newest first.
    pub async fn tenders(
        &self,
        limit: usize,
        before: Option<TenderId>,
    ) -> Result<Vec<TenderRow>, MarketError> {
        self.floor.catch_up(&TenderView).await?;
        let (mut latest, mut after) = (Vec::new(), before.map(TenderView::key));
        while latest.len() < limit {
            let most = ROWS.min(limit - latest.len());
            let page = self.floor.views.rows(TenderView::NAME, "", after.as_deref(), most).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            latest.extend(page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()));
        }
        Ok(latest)
    }

    /// What happened to a tender, in order.
    pub async fn history(&self, id: TenderId) -> Result<Vec<Record>, MarketError> {
        let records = self.floor.records(id).await?;
        if records.is_empty() { Err(MarketError::NoTender(id)) } else { Ok(records) }
    }

    /// What is known of everybody who was ever awarded.
    pub async fn reputation(&self) -> Result<Vec<ReputationRow>, MarketError> {
        self.floor.rows(&ReputationView).await
    }
}

impl Floor {
    async fn catch_up(&self, view: &dyn Projection) -> Result<(), StoreError> {
        catch_up(view, self.journal.as_ref(), self.views.as_ref()).await.map(drop)
    }

    /// All rows of a view, brought up to date.
    async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        view: &dyn Projection,
    ) -> Result<Vec<T>, MarketError> {
        self.catch_up(view).await?;
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.views.rows(view.name(), "", after.as_deref(), ROWS).await?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            after = Some(last.clone());
            found.extend(page.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()));
        }
    }

    async fn records(&self, id: TenderId) -> Result<Vec<Record>, StoreError> {
        let (stream, mut all, mut after) = (StreamId::tender(id), Vec::new(), Revision(0));
        loop {
            let page = self.journal.read_stream(&stream, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after = last.revision;
            all.extend(page);
        }
    }

    /// Lets every tender go on that is not over, or of whose end not everybody was told.
    async fn restore(&self) -> Result<(), MarketError> {
        for row in self.rows::<TenderRow>(&TenderView).await? {
            if row.told {
                continue;
            }
            let stall = self.stall(row.id).await;
            if let Err(error) = self.steps(&mut *stall.lock().await, VecDeque::new()).await {
                // One that a newer build wrote keeps nobody else back.
                tracing::error!(tender = %row.id, %error, "a tender could not go on");
            }
        }
        Ok(())
    }

    /// The place of a tender, whether there is one or not: what is known of it is read with the first step.
    async fn stall(&self, id: TenderId) -> Arc<Stall> {
        let mut stalls = self.stalls.lock().await;
        let fresh = || Held { id, case: None, revision: Revision(0), sure: false };
        Arc::clone(stalls.entry(id).or_insert_with(|| Arc::new(Mutex::new(fresh()))))
    }

    /// What the journal has of a tender, armed, and said again as far as it may not have been heard: what was heard before
    /// is known by its name.
    async fn read(
        &self,
        held: &mut Held,
        lost: &mut VecDeque<TenderEvent>,
    ) -> Result<(), MarketError> {
        let id = held.id;
        let records = self.records(id).await?;
        let Some(last) = records.last() else {
            self.stalls.lock().await.remove(&id);
            return Err(MarketError::NoTender(id));
        };
        let (case, said) = self.replayed(id, &records)?;
        let told = records.iter().any(|record| &*record.event.kind == "tender.told");
        (held.case, held.revision) = (Some(case), last.revision);
        if told {
            held.sure = true;
            return Ok(());
        }
        self.arm(held, None);
        held.sure = self.say(held, said, lost).await;
        Ok(())
    }

    /// A tender as its events left it, and all that it said.
    fn replayed(
        &self,
        id: TenderId,
        records: &[Record],
    ) -> Result<(Case, Vec<Saying>), MarketError> {
        let unreadable = |why: String| MarketError::Unreadable(id, why);
        let mut present: Option<Case> = None;
        let mut said = Vec::new();
        for record in records {
            let event = TenderEvent::decode(&record.event)
                .map_err(|error| unreadable(error.to_string()))?;
            let (case, step) = match (present.take(), event) {
                (None, TenderEvent::Opened(opened)) => Case::open(id, &self.me, opened, record.at)
                    .ok_or_else(|| unreadable("its rule is not known here".to_owned()))?,
                (None, _) => return Err(unreadable("it has no beginning".to_owned())),
                (Some(case), event) => case.take(&event, record.at),
            };
            said.extend(step.say);
            present = Some(case);
        }
        let case = present.ok_or_else(|| unreadable("it has no beginning".to_owned()))?;
        Ok((case, said))
    }

    async fn open(
        &self,
        id: TenderId,
        by: AgentName,
        order: Order,
        request: Option<&Message>,
    ) -> Result<(), MarketError> {
        // Derived from the tender's name, so that a repeat of its opening stores nothing. The name itself is that of the
        // message in which it was asked for.
        let command = CommandId::from_bits(id.bits()).nth(0);
        self.open_by(command, id, by, order, request).await.map(drop)
    }

    /// Where the command was stored before, if it was; nothing is done then.
    async fn open_by(
        &self,
        command: CommandId,
        id: TenderId,
        by: AgentName,
        order: Order,
        request: Option<&Message>,
    ) -> Result<Option<Position>, MarketError> {
        let now = self.clock.now();
        order.check(now)?;
        if self.stalls.lock().await.len() >= self.most {
            return Err(MarketError::Full(self.most));
        }
        let bidders = self.bidders(&order, &by).await?;
        let opened = TenderOpened {
            by,
            request: request.map(Letter::seal),
            announcement: order.announcement(),
            terms: order.terms(),
            bidders,
            trace: here().map(|trail| trail.context().clone()),
        };
        let unknown = || MarketError::Unreadable(id, "its rule is not known here".to_owned());
        let (_, step) = Case::open(id, &self.me, opened, now).ok_or_else(unknown)?;
        // Whoever waits for this may go; then the keeper looks after what was stored.
        self.look_soon(id);
        let events = step.events.iter().map(TenderEvent::encode).collect();
        let appended = self.append_by(id, command, Revision(0), events, now).await?;
        if appended.repeated {
            return Ok(Some(appended.position));
        }
        let stall = self.stall(id).await;
        self.steps(&mut *stall.lock().await, VecDeque::new()).await?;
        Ok(None)
    }

    /// The tender whose opening was stored last at `at`, if it was opened by the same for the same.
    async fn opened_before(
        &self,
        at: Position,
        by: &AgentName,
        order: &Order,
    ) -> Result<TenderId, MarketError> {
        let before = Position(at.0.saturating_sub(1));
        let records = self.journal.read_all(before, 1).await?;
        let Some(id) = records.first().and_then(|record| record.stream.as_tender()) else {
            return Err(MarketError::OtherOrder);
        };
        let records = self.records(id).await?;
        let opened = records.first().map(|record| TenderEvent::decode(&record.event));
        let Some(Ok(TenderEvent::Opened(opened))) = opened else {
            return Err(MarketError::OtherOrder);
        };
        // A span that counts from now on ends at another moment each time.
        let timeless = |announcement: Announcement| Announcement { done_by: None, ..announcement };
        let wanted = order.announcement();
        let same = opened.by == *by
            && opened.announcement.done_by.is_some() == wanted.done_by.is_some()
            && timeless(opened.announcement) == timeless(wanted)
            && opened.terms == order.terms();
        if same { Ok(id) } else { Err(MarketError::OtherOrder) }
    }

    /// Who is called for bids, with what is known of each. Nobody bids for its own task.
    async fn bidders(
        &self,
        order: &Order,
        by: &AgentName,
    ) -> Result<Vec<TenderBidder>, MarketError> {
        let mut names = match &order.among {
            Some(named) => {
                for name in named {
                    if !self.agency.knows(name) {
                        return Err(MarketError::Unknown(name.clone()));
                    }
                }
                named.clone()
            }
            None => self.agency.directory().who_offers(&order.skill, self.clock.now()),
        };
        names.sort_unstable();
        names.dedup();
        names.retain(|name| name != by);
        match names.len() {
            0 => return Err(MarketError::Nobody(order.skill.clone())),
            many if many > BIDDERS => return Err(MarketError::TooMany(many)),
            _ => {}
        }
        self.catch_up(&ReputationView).await?;
        let keys: Vec<String> =
            names.iter().map(|name| ReputationView::key(name, &order.skill)).collect();
        let rows = self.views.load_rows(ReputationView::NAME, &keys).await?;
        let standings = rows.into_iter().map(|row| -> Standing {
            let row: Option<ReputationRow> =
                row.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            row.map(|row| row.record).unwrap_or_default().standing()
        });
        let bidders = names.into_iter().zip(standings);
        Ok(bidders.map(|(agent, standing)| TenderBidder { agent, standing }).collect())
    }

    /// Where the stream is then; nothing when the command had been stored before.
    async fn append(
        &self,
        id: TenderId,
        command: CommandId,
        expected: Revision,
        events: Vec<NewEvent>,
        at: Timestamp,
    ) -> Result<Option<Revision>, MarketError> {
        let appended = self.append_by(id, command, expected, events, at).await?;
        let revision = appended.revisions.first().copied().unwrap_or(expected);
        Ok((!appended.repeated).then_some(revision))
    }

    async fn append_by(
        &self,
        id: TenderId,
        command: CommandId,
        expected: Revision,
        events: Vec<NewEvent>,
        at: Timestamp,
    ) -> Result<Appended, MarketError> {
        let batch =
            Batch { stream: StreamId::tender(id), expected: Expected::At(expected), events };
        Ok(self.journal.append(Append { command, at, batches: vec![batch] }).await?)
    }

    /// Something happened to a tender.
    async fn step(&self, id: TenderId, happened: TenderEvent) -> Result<(), MarketError> {
        let stall = self.stall(id).await;
        self.steps(&mut *stall.lock().await, VecDeque::from([happened])).await
    }

    /// Takes in what happened, and what comes of it: that a bidder could not be told is one more thing that happened. May
    /// be dropped at any await point: what was stored then is found by the next one.
    async fn steps(
        &self,
        held: &mut Held,
        mut happened: VecDeque<TenderEvent>,
    ) -> Result<(), MarketError> {
        let id = held.id;
        if !held.sure {
            self.read(held, &mut happened).await?;
        }
        let mut said = held.sure;
        while let Some(one) = happened.pop_front() {
            let Some(case) = &held.case else { return Err(MarketError::NoTender(id)) };
            let before = case.alarm();
            let mut now = self.clock.now();
            // A deadline has passed when it is told, whatever a clock says that was set back.
            if let (TenderEvent::Passed(_), Some((_, at))) = (&one, before) {
                now = now.max(at);
            }
            let (case, Step { events, say, impossible }) = case.take(&one, now);
            if let Some(why) = impossible {
                return Err(MarketError::Impossible(why));
            }
            if events.is_empty() {
                continue;
            }
            let command = CommandId::new(now, self.entropy.as_ref());
            let events = events.iter().map(TenderEvent::encode).collect();
            held.sure = false;
            let Some(revision) = self.append(id, command, held.revision, events, now).await? else {
                return Ok(());
            };
            (held.case, held.revision) = (Some(case), revision);
            self.arm(held, before);
            // Where somebody's mail is full, or could not be stored, all of it is said again, in its order.
            said &= self.say(held, say, &mut happened).await;
            held.sure = said;
        }
        self.close(held).await
    }

    /// A tender that is over and of whose end everybody was told is left to the journal.
    async fn close(&self, held: &mut Held) -> Result<(), MarketError> {
        if !held.sure {
            self.look_soon(held.id);
            return Ok(());
        }
        if !held.case.as_ref().is_some_and(Case::is_ended) {
            return Ok(());
        }
        let (id, now) = (held.id, self.clock.now());
        let command = CommandId::from_bits(id.bits()).nth(1);
        let events = vec![TenderEvent::from(TenderTold {}).encode()];
        held.sure = false;
        self.append(id, command, held.revision, events, now).await?;
        self.stalls.lock().await.remove(&id);
        Ok(())
    }

    /// Arms the deadline that counts now, unless it did before.
    fn arm(&self, held: &Held, before: Option<(Timer, Timestamp)>) {
        let alarm = held.case.as_ref().and_then(Case::alarm);
        if let Some((timer, at)) = alarm.filter(|alarm| before != Some(*alarm)) {
            // The keeper lives as long as the market.
            let _ = self.arm.send(Deadline { at, tender: held.id, timer });
        }
    }

    /// Has the keeper look at a tender in a moment.
    fn look_soon(&self, id: TenderId) {
        let at = self.clock.now().plus(REST);
        let _ = self.arm.send(Deadline { at, tender: id, timer: LOOK });
    }

    /// Says what follows. Who is not there is lost to the tender; false when somebody could not be told now.
    async fn say(&self, held: &Held, say: Vec<Saying>, lost: &mut VecDeque<TenderEvent>) -> bool {
        let id = held.id;
        // What follows from a deadline, or is said by a later process, was caused by whoever opened the tender.
        let opened = || held.case.as_ref()?.trace().cloned().map(Trail::new);
        let trail = here().or_else(opened);
        let conversation = ConversationId::from_bits(id.bits());
        let mut all = true;
        for Saying { number, to_bidder, message } in say {
            let now = self.clock.now();
            if message.deadline(now).is_some_and(|deadline| deadline < now) {
                // Said by an earlier process, most likely; and too late for an answer in any case.
                tracing::debug!(tender = %id, number, "its reply-by has passed");
                continue;
            }
            let name = MessageId::nth(conversation, self.me.name().as_str(), number);
            // A contract is durable, whatever its bidder usually is; whoever asked for it says itself.
            let class = to_bidder.then_some(Delivery::Durable);
            match along(trail.clone(), self.agency.send(message, Some(name), class)).await {
                Ok(_) => {}
                Err(Unsent::Undelivered(failed)) => {
                    for (who, why) in failed {
                        let (agent, gone) = (who.name().clone(), why == Undelivered::Unknown);
                        if !to_bidder {
                            tracing::warn!(tender = %id, %agent, %why, "who asked is not told");
                        } else if gone {
                            let why = why.to_string();
                            lost.push_back(TenderLost { agent, why }.into());
                        } else {
                            all = false;
                        }
                    }
                }
                Err(Unsent::Inadmissible(why)) => {
                    tracing::warn!(tender = %id, why, "a message of a tender can't be sent");
                }
            }
        }
        all
    }

    async fn passed(&self, deadline: Deadline) {
        // Every tender that goes on has a stall; one that has none has nothing to pass. One that was just opened is looked
        // at all the same: whoever opened it may have gone.
        let known = self.stalls.lock().await.contains_key(&deadline.tender);
        if !known && deadline.timer != LOOK {
            return;
        }
        let outcome = if deadline.timer == LOOK {
            let stall = self.stall(deadline.tender).await;
            let mut held = stall.lock().await;
            if held.sure { Ok(()) } else { self.steps(&mut held, VecDeque::new()).await }
        } else {
            self.step(deadline.tender, TenderPassed { timer: deadline.timer.0 }.into()).await
        };
        match outcome {
            Ok(()) | Err(MarketError::NoTender(_) | MarketError::Impossible(_)) => {}
            Err(error) => {
                // Told once more, and nobody else's deadline waits for it.
                tracing::warn!(tender = %deadline.tender, %error, "a deadline could not be stored");
                let at = self.clock.now().plus(REST);
                let _ = self.arm.send(Deadline { at, ..deadline });
            }
        }
    }
}

/// The market as those see it who talk to it.
struct Auctioneer(Arc<Floor>);

#[async_trait]
impl Resident for Auctioneer {
    async fn hear(&mut self, letter: &Heard, office: &dyn Office) -> Result<(), Trouble> {
        let Self(floor) = self;
        let message = &letter.message;
        // A message without a name of its own can't come twice.
        let id = letter.id.unwrap_or_else(|| MessageId::new(office.now(), floor.entropy.as_ref()));
        let conversation = message.conversation.as_ref().and_then(|it| it.id());
        if let Some(tender) = conversation.map(|it| TenderId::from_bits(it.bits())) {
            match floor.knows(tender, message.sender.as_ref()).await {
                Ok(true) => {
                    let happened = TenderHeard { id, letter: Letter::seal(message) };
                    return floor.step(tender, happened.into()).await.map_err(trouble);
                }
                Ok(false) => {
                    let why = "this agent was not called for bids";
                    if let Some(answer) = message.not_understood(&floor.me, why) {
                        // That somebody has gone who asked is no trouble of the market's.
                        let _ = office.send(answer).await;
                    }
                    return Ok(());
                }
                Err(MarketError::NoTender(_)) => {}
                Err(error) => return Err(trouble(error)),
            }
        }
        let answer = if message.performative == Performative::Request {
            match floor.requested(id, message).await {
                Ok(()) => None,
                Err(error @ (MarketError::Store(_) | MarketError::Append(_))) => {
                    return Err(trouble(error));
                }
                Err(error) => {
                    let refusal = message.reply(Performative::Refuse, &floor.me);
                    Some(refusal.about(error.to_string()))
                }
            }
        } else {
            let why = "no tender has this conversation; put a task out with a request";
            message.not_understood(&floor.me, why)
        };
        if let Some(answer) = answer {
            let _ = office.send(answer).await;
        }
        Ok(())
    }
}

impl Floor {
    /// Whether somebody was called for the bids of a tender.
    async fn knows(&self, id: TenderId, sender: Option<&Aid>) -> Result<bool, MarketError> {
        let stall = self.stall(id).await;
        let mut held = stall.lock().await;
        if !held.sure {
            self.steps(&mut held, VecDeque::new()).await?;
        }
        let case = held.case.as_ref().ok_or(MarketError::NoTender(id))?;
        Ok(sender.is_some_and(|sender| case.knows(sender.name())))
    }

    /// An agent asks for a tender. The message's name is the tender's, so that one that comes twice opens one.
    async fn requested(&self, id: MessageId, message: &Message) -> Result<(), MarketError> {
        let malformed = |why: String| MarketError::Impossible(why);
        let sender = message.sender.as_ref();
        let by = sender.ok_or_else(|| malformed("nobody says this".to_owned()))?.name().clone();
        let content = message.content.as_ref().map(|content| content.as_bytes());
        let order: Order =
            serde_json::from_slice(content.unwrap_or_default()).map_err(|error| {
                let example = r#"{"task":"greet Ada","skill":"greeting"}"#;
                malformed(format!("the content is no order: {error}; write {example}"))
            })?;
        self.open(TenderId::from_bits(id.bits()), by, order, Some(message)).await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
fn trouble(error: MarketError) -> Trouble {
    Trouble(error.to_string())
}
