//! Where tenders are held: each is stored, told, armed and closed, one step at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bottega_acl::contract_net::Announcement;
use bottega_acl::{AgentName, Aid, Message, Standing, Timer};
use bottega_agency::{Agency, Delivery};
use bottega_behaviour::{Undelivered, Unsent};
use bottega_event::{
    Letter, NewEvent, Position, Record, Revision, StreamId, TenderBidder, TenderEvent, TenderLost,
    TenderOpened, TenderPassed, TenderTold,
};
use bottega_store::{
    Append, Appended, Batch, Expected, Journal, Projection, Projections, StoreError, catch_up,
};
use bottega_telemetry::{Trail, along, here};
use bottega_types::{Clock, CommandId, ConversationId, Entropy, MessageId, TenderId, Timestamp};
use tokio::sync::{Mutex, mpsc};

use crate::case::{Case, Saying, Step};
use crate::deadlines::Deadline;
use crate::market::MarketError;
use crate::order::Order;
use crate::reputation_view::{ReputationRow, ReputationView};
use crate::tender_view::{TenderRow, TenderView};

/// Records that are read at a time.
const PAGE: usize = 1_000;
/// Rows of a view that are read at a time.
const ROWS: usize = 256;
/// The most who are called for bids.
pub(crate) const BIDDERS: usize = 1_000;
/// The timer of a look at a tender that may have been left in the middle of a step. The machine counts from 1.
const LOOK: Timer = Timer(0);
/// How long is waited before such a look, and before a deadline is told again that could not be stored.
const REST: std::time::Duration = std::time::Duration::from_secs(1);

/// What the market, its agent and its keeper of deadlines share.
pub(crate) struct Floor {
    pub(crate) me: Aid,
    pub(crate) agency: Arc<Agency>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) views: Arc<dyn Projections>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) most: usize,
    pub(crate) arm: mpsc::UnboundedSender<Deadline>,
    /// Tenders that go on.
    pub(crate) stalls: Mutex<BTreeMap<TenderId, Arc<Stall>>>,
}

/// One tender, of which one step is taken at a time.
pub(crate) type Stall = Mutex<Held>;

/// A tender as this process knows it.
pub(crate) struct Held {
    pub(crate) id: TenderId,
    /// Nothing before it was read.
    pub(crate) case: Option<Case>,
    pub(crate) revision: Revision,
    /// Whether the journal has this and nothing else, and all was said that follows. Where a step was cut off between, the
    /// next one begins with what the journal has.
    pub(crate) sure: bool,
}

impl Floor {
    pub(crate) async fn catch_up(&self, view: &dyn Projection) -> Result<(), StoreError> {
        catch_up(view, self.journal.as_ref(), self.views.as_ref()).await.map(drop)
    }

    /// All rows of a view, brought up to date.
    pub(crate) async fn rows<T: serde::de::DeserializeOwned>(
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

    pub(crate) async fn records(&self, id: TenderId) -> Result<Vec<Record>, StoreError> {
        let (stream, mut all, mut after) = (StreamId::tender(id), Vec::new(), Revision(0));
        loop {
            let page = self.journal.read_stream(&stream, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after = last.revision;
            all.extend(page);
        }
    }

    /// Lets every tender go on that is not over, or of whose end not everybody was told.
    pub(crate) async fn restore(&self) -> Result<(), MarketError> {
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
    pub(crate) async fn stall(&self, id: TenderId) -> Arc<Stall> {
        let mut stalls = self.stalls.lock().await;
        let fresh = || Held { id, case: None, revision: Revision(0), sure: false };
        Arc::clone(stalls.entry(id).or_insert_with(|| Arc::new(Mutex::new(fresh()))))
    }

    /// What the journal has of a tender, armed, and said again as far as it may not have been heard: what was heard before
    /// is known by its name.
    pub(crate) async fn read(
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
    pub(crate) fn replayed(
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

    pub(crate) async fn open(
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
    pub(crate) async fn open_by(
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
        let appended = self.append(id, command, Revision(0), events, now).await?;
        if appended.repeated {
            return Ok(Some(appended.position));
        }
        let stall = self.stall(id).await;
        self.steps(&mut *stall.lock().await, VecDeque::new()).await?;
        Ok(None)
    }

    /// The tender whose opening was stored last at `at`, if it was opened by the same for the same.
    pub(crate) async fn opened_before(
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
    pub(crate) async fn bidders(
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

    /// `repeated` where the command had been stored before.
    pub(crate) async fn append(
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
    pub(crate) async fn step(
        &self,
        id: TenderId,
        happened: TenderEvent,
    ) -> Result<(), MarketError> {
        let stall = self.stall(id).await;
        self.steps(&mut *stall.lock().await, VecDeque::from([happened])).await
    }

    /// Takes in what happened, and what comes of it: that a bidder could not be told is one more thing that happened. May
    /// be dropped at any await point: what was stored then is found by the next one.
    pub(crate) async fn steps(
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
            let appended = self.append(id, command, held.revision, events, now).await?;
            if appended.repeated {
                return Ok(());
            }
            let revision = appended.revisions.first().copied().unwrap_or(held.revision);
            (held.case, held.revision) = (Some(case), revision);
            self.arm(held, before);
            // Where somebody's mail is full, or could not be stored, all of it is said again, in its order.
            said &= self.say(held, say, &mut happened).await;
            held.sure = said;
        }
        self.close(held).await
    }

    /// A tender that is over and of whose end everybody was told is left to the journal.
    pub(crate) async fn close(&self, held: &mut Held) -> Result<(), MarketError> {
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
    pub(crate) fn arm(&self, held: &Held, before: Option<(Timer, Timestamp)>) {
        let alarm = held.case.as_ref().and_then(Case::alarm);
        if let Some((timer, at)) = alarm.filter(|alarm| before != Some(*alarm)) {
            // The keeper lives as long as the market.
            let _ = self.arm.send(Deadline { at, tender: held.id, timer });
        }
    }

    /// Has the keeper look at a tender in a moment.
    pub(crate) fn look_soon(&self, id: TenderId) {
        let at = self.clock.now().plus(REST);
        let _ = self.arm.send(Deadline { at, tender: id, timer: LOOK });
    }

    /// Says what follows. Who is not there is lost to the tender; false when somebody could not be told now.
    pub(crate) async fn say(
        &self,
        held: &Held,
        say: Vec<Saying>,
        lost: &mut VecDeque<TenderEvent>,
    ) -> bool {
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

    pub(crate) async fn passed(&self, deadline: Deadline) {
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
