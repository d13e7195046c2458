//! What became of each task that was put out to tender.

use bottega_acl::AgentName;
use bottega_acl::contract_net::Bid;
use bottega_event::{Record, TenderClosing, TenderEvent};
use bottega_store::{Change, Projection, Rows};
use bottega_types::{Money, TenderId, Timestamp};
use serde::{Deserialize, Serialize};

/// One tender: a row of [`TenderView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderRow {
    /// Its id.
    pub id: TenderId,
    /// Who opened it.
    pub by: AgentName,
    /// What is to be done.
    pub task: String,
    /// The skill that it takes.
    pub skill: String,
    /// The most that is paid.
    pub budget: Option<Money>,
    /// The rule by which a bid is taken.
    pub rule: String,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Where it stands.
    pub state: TenderState,
    /// Who was called for bids.
    pub called: Vec<AgentName>,
    /// The bids that counted, the latest of each bidder.
    pub bids: Vec<BidRow>,
    /// Who works on it, or did it.
    pub winner: Option<AgentName>,
    /// What it is paid.
    pub pay: Option<Money>,
    /// How often it was awarded.
    pub awards: u32,
    /// What was brought.
    pub result: Option<String>,
    /// Whether everybody was told of its end.
    pub told: bool,
}

/// Where a tender stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenderState {
    /// Bids are waited for.
    Bidding,
    /// Somebody works on it.
    Working,
    /// It is done.
    Done,
    /// No bid counted.
    NoBids,
    /// Everybody who was awarded failed.
    Exhausted,
    /// It was withdrawn.
    Cancelled,
}

impl TenderState {
    /// Whether it is over.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        match self {
            Self::Bidding | Self::Working => false,
            Self::Done | Self::NoBids | Self::Exhausted | Self::Cancelled => true,
        }
    }
}

/// A bid that counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BidRow {
    /// Who made it.
    pub by: AgentName,
    /// What it offers.
    pub bid: Bid,
    /// When it came.
    pub at: Timestamp,
    /// What became of it: nothing yet, `awarded`, `done`, `cancelled`, or how it fell out.
    pub fate: Option<String>,
}

/// What became of each tender.
#[derive(Clone, Copy, Debug)]
pub struct TenderView;

impl TenderView {
    /// Its name.
    pub const NAME: &'static str = "tenders";

    /// The key of a row. Ids are sorted by age, and keys the other way round: the latest come first.
    pub(crate) fn key(id: TenderId) -> String {
        format!("{:032x}", !id.bits())
    }
}

impl Projection for TenderView {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        3
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        record.stream.as_tender().map(Self::key).into_iter().collect()
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let Some(id) = record.stream.as_tender() else { return Vec::new() };
        let key = Self::key(id);
        let present: Option<TenderRow> =
            rows.get(&key).and_then(|bytes| serde_json::from_slice(bytes).ok());
        let Ok(event) = TenderEvent::decode(&record.event) else { return Vec::new() };
        match folded(present, id, event, record.at) {
            Some(row) => vec![Change { key, value: serde_json::to_vec(&row).ok() }],
            None => Vec::new(),
        }
    }
}

fn folded(
    present: Option<TenderRow>,
    id: TenderId,
    event: TenderEvent,
    at: Timestamp,
) -> Option<TenderRow> {
    if let TenderEvent::Opened(opened) = event {
        return Some(TenderRow {
            id,
            by: opened.by,
            task: opened.announcement.task,
            skill: opened.announcement.skill,
            budget: opened.announcement.budget,
            rule: opened.terms.rule,
            opened: at,
            ended: None,
            state: TenderState::Bidding,
            called: opened.bidders.into_iter().map(|bidder| bidder.agent).collect(),
            bids: Vec::new(),
            winner: None,
            pay: None,
            awards: 0,
            result: None,
            told: false,
        });
    }
    let mut row = present?;
    match event {
        TenderEvent::Bidden(bidden) => {
            row.bids.retain(|other| other.by != bidden.by);
            row.bids.push(BidRow { by: bidden.by, bid: bidden.bid, at, fate: None });
        }
        TenderEvent::Out(out) => row.fate(&out.agent, &out.how),
        TenderEvent::Awarded(awarded) => {
            row.fate(&awarded.to, "awarded");
            row.awards += 1;
            row.pay = Some(awarded.pay);
            row.winner = Some(awarded.to);
            row.state = TenderState::Working;
        }
        TenderEvent::Learned(learned) => {
            let fate = match learned.outcome.result {
                bottega_acl::Kept::Done { .. } => "done",
                bottega_acl::Kept::Failed => "failed",
                bottega_acl::Kept::Silent => "silent",
            };
            row.fate(&learned.outcome.agent, fate);
        }
        TenderEvent::Ended(ended) => {
            row.ended = Some(at);
            row.state = match ended.closing {
                TenderClosing::Done { by, pay, delivery } => {
                    row.winner = Some(by);
                    row.pay = Some(pay);
                    row.result = Some(delivery.result);
                    TenderState::Done
                }
                TenderClosing::NoBids => TenderState::NoBids,
                TenderClosing::Exhausted => TenderState::Exhausted,
                TenderClosing::Cancelled => {
                    let works =
                        row.bids.iter_mut().filter(|it| it.fate.as_deref() == Some("awarded"));
                    works.for_each(|bid| bid.fate = Some("cancelled".to_owned()));
                    TenderState::Cancelled
                }
            };
            if row.state != TenderState::Done {
                (row.winner, row.pay) = (None, None);
            }
        }
        TenderEvent::Told(_) => row.told = true,
        TenderEvent::Opened(_)
        | TenderEvent::Heard(_)
        | TenderEvent::Passed(_)
        | TenderEvent::Lost(_)
        | TenderEvent::Decided(_)
        | TenderEvent::Round(_) => return None,
    }
    Some(row)
}

impl TenderRow {
    fn fate(&mut self, agent: &AgentName, fate: &str) {
        if let Some(bid) = self.bids.iter_mut().find(|bid| bid.by == *agent) {
            bid.fate = Some(fate.to_owned());
        }
    }
}
