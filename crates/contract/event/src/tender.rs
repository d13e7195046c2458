//! A task that was put out to tender, from its call for bids to its end.
//!
//! What happened to the tender comes first in each append (opened, heard, passed, lost, decided): these are what the
//! machine of `bottega-acl` took in, and replaying them with their times gives its state. What followed from it (a bid, an
//! award, the end) is written beside it, for those who read and do not replay.

use bottega_acl::contract_net::{Announcement, Bid, Delivery};
use bottega_acl::{AgentName, Outcome, Standing};
use bottega_types::{MessageId, Money, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

use crate::Letter;
use crate::catalogue::events;

events! {
    /// An event of a `tender/ID` stream.
    TenderEvent {
        /// A task was put out to tender.
        Opened(TenderOpened) = "tender.opened", 1;
        /// A bidder said something.
        Heard(TenderHeard) = "tender.heard", 1;
        /// A deadline passed.
        Passed(TenderPassed) = "tender.passed", 1;
        /// A bidder can't be reached.
        Lost(TenderLost) = "tender.lost", 1;
        /// Whoever opened it decided something about it.
        Decided(TenderDecided) = "tender.decided", 1;
        /// A bid counts.
        Bidden(TenderBidden) = "tender.bidden", 1;
        /// A bidder is out.
        Out(TenderOut) = "tender.out", 1;
        /// Bids are called for once more.
        Round(TenderRound) = "tender.round", 1;
        /// The task was given to a bidder.
        Awarded(TenderAwarded) = "tender.awarded", 1;
        /// It is known how a bidder kept its promise.
        Learned(TenderLearned) = "tender.learned", 1;
        /// The tender is over.
        Ended(TenderEnded) = "tender.ended", 1;
        /// Everybody was told of its end.
        Told(TenderTold) = "tender.told", 1;
    }
}

/// A task was put out to tender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderOpened {
    /// By whom.
    pub by: AgentName,
    /// The message in which it asked for that, to be answered when the tender is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Letter>,
    /// What is offered.
    pub announcement: Announcement,
    /// How it is run.
    pub terms: TenderTerms,
    /// Who is called for bids.
    pub bidders: Vec<TenderBidder>,
    /// What caused it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// How a tender is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderTerms {
    /// The name of the rule by which a bid is taken.
    pub rule: String,
    /// How long bids are waited for in each round, in milliseconds.
    pub bidding_ms: u64,
    /// The most rounds of bidding.
    pub rounds: u8,
    /// How many of the next best are kept waiting while the winner works.
    pub reserve: usize,
    /// How long the winner may take, in hundredths of what it promised.
    pub leeway_percent: u32,
    /// What an hour of waiting costs.
    pub hour_is_worth: Money,
}

/// One who is called for bids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderBidder {
    /// Who.
    pub agent: AgentName,
    /// What was known of it when the tender began.
    pub standing: Standing,
}

/// A bidder said something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderHeard {
    /// The message's name.
    pub id: MessageId,
    /// The message.
    pub letter: Letter,
}

/// A deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderPassed {
    /// Which, by the tender's count.
    pub timer: u32,
}

/// A bidder can't be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderLost {
    /// Who.
    pub agent: AgentName,
    /// Why not.
    pub why: String,
}

/// Whoever opened it decided something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderDecided {
    /// What.
    pub choice: TenderChoice,
}

/// What can be decided about a tender that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenderChoice {
    /// No more bids are waited for.
    Close,
    /// The task is withdrawn.
    Cancel,
}

/// A bid counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderBidden {
    /// Who made it.
    pub by: AgentName,
    /// What it offers.
    pub bid: Bid,
}

/// A bidder is out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderOut {
    /// Who.
    pub agent: AgentName,
    /// How its part ended: `refused`, `rejected`, `silent`, …
    pub how: String,
}

/// Bids are called for once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderRound {
    /// The number of the round.
    pub number: u8,
    /// Who is called.
    pub among: Vec<AgentName>,
}

/// The task was given to a bidder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderAwarded {
    /// Whom.
    pub to: AgentName,
    /// What it offered.
    pub bid: Bid,
    /// What it will be paid.
    pub pay: Money,
    /// When it counts as silent.
    pub finish_by: Timestamp,
}

/// It is known how a bidder kept its promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderLearned {
    /// How.
    pub outcome: Outcome,
}

/// Everybody was told of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderTold {}

/// The tender is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenderEnded {
    /// How.
    pub closing: TenderClosing,
}

/// How a tender ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum TenderClosing {
    /// With a result.
    Done {
        /// Who brought it.
        by: AgentName,
        /// What it is paid.
        pay: Money,
        /// What it brought.
        delivery: Delivery,
    },
    /// No bid counted.
    NoBids,
    /// Everybody who was awarded failed, and nobody is left.
    Exhausted,
    /// It was withdrawn.
    Cancelled,
}
