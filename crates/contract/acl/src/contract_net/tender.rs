//! The initiator of a contract net: one tender among many bidders.

mod step;

use std::collections::BTreeMap;
use std::time::Duration;

use bottega_types::{Money, Timestamp};

use super::{Announcement, AwardRule, Bid, Delivery};
use crate::reputation::{Outcome, Reputation, Standing};
use crate::{
    AgentName, Aid, ConversationRef, Dialogue, Ending, Message, Patience, Protocol, Timer,
};

/// How a tender is run.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Which bid wins.
    pub rule: &'static AwardRule,
    /// How long bids are waited for, in each round. A round ends earlier when everybody has answered.
    pub bidding: Duration,
    /// The most rounds of bidding. One is a plain Contract Net; with more it is iterated: the best bidders are called anew
    /// with the price to beat, until a round no longer lowers it.
    pub rounds: u8,
    /// How many of the next best bidders are kept waiting while the winner works, to take its place should it fail. They go on
    /// to the next round too. The others are rejected at once.
    pub reserve: usize,
    /// How much longer than promised the winner may take before it counts as silent, in hundredths of what it promised: 150
    /// is half as long again. Never beyond the announcement's `done_by`.
    pub leeway_percent: u32,
    /// What an hour of waiting costs; rules that weigh time against money use it.
    pub hour_is_worth: Money,
}

/// What the owner of a tender may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenderDecision {
    /// Call for bids. The first decision.
    Open,
    /// End the round of bidding now.
    Close,
    /// Give up: whoever works is cancelled, whoever bid is rejected.
    Cancel,
}

/// What the owner of a tender learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenderReport {
    /// A bid that counts.
    Bidden {
        /// Who made it.
        by: AgentName,
        /// What it offers.
        bid: Bid,
    },
    /// One bidder is out, before it was awarded: it refused, its bid could not count, or it was not understood.
    Out {
        /// Who.
        who: AgentName,
        /// How its part ended.
        how: Ending,
    },
    /// A further round was called among these.
    Round {
        /// Its number, from 1.
        number: u8,
        /// Who was called.
        among: Vec<AgentName>,
    },
    /// One bid was taken.
    Awarded {
        /// Whose.
        to: AgentName,
        /// Which.
        bid: Bid,
        /// What it will be paid.
        pay: Money,
        /// When it counts as silent.
        finish_by: Timestamp,
    },
    /// What became of an award: for [`Reputation::learn`](crate::Reputation::learn).
    Learned(Outcome),
    /// Something was said by a bidder whose part had gone on to another: a result that came too late, news of a cancel.
    Late(Message),
    /// The tender is over.
    Ended(TenderEnding),
}

/// How a tender ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenderEnding {
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
    /// Everybody who was awarded failed, and nobody is left who could still do it.
    Exhausted,
    /// The owner gave up.
    Cancelled,
}

/// A task that is offered to many and given to one. Pure, as every machine here: see [`Tender::step`].
#[derive(Clone, Debug)]
pub struct Tender {
    announcement: Announcement,
    terms: Terms,
    me: Aid,
    bidders: BTreeMap<AgentName, Bidder>,
    phase: Phase,
    armed: Option<Timer>,
    timers: u32,
}

#[derive(Clone, Debug)]
struct Bidder {
    dialogue: Dialogue,
    standing: Standing,
    /// Its bid of this round, when it counts.
    bid: Option<Bid>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Fresh,
    Gathering { round: u8 },
    Working { winner: AgentName, pay: Money, since: Timestamp },
    Ended,
}

impl Tender {
    /// A tender of `me` among `bidders`, each of which is asked once, with what `reputation` knows of them now.
    #[must_use]
    pub fn new(
        me: &Aid,
        conversation: impl Into<ConversationRef>,
        announcement: Announcement,
        terms: Terms,
        bidders: impl IntoIterator<Item = Aid>,
        reputation: &Reputation,
    ) -> Self {
        let skill = announcement.skill.clone();
        let known = bidders.into_iter().map(|bidder| {
            let standing = reputation.standing(bidder.name(), &skill);
            (bidder, standing)
        });
        Self::among(me, conversation, announcement, terms, known)
    }

    /// A tender of `me` among `bidders`, each of which is asked once, with what is known of each.
    #[must_use]
    pub fn among(
        me: &Aid,
        conversation: impl Into<ConversationRef>,
        announcement: Announcement,
        terms: Terms,
        bidders: impl IntoIterator<Item = (Aid, Standing)>,
    ) -> Self {
        let conversation = conversation.into();
        let protocol =
            if terms.rounds > 1 { Protocol::IteratedContractNet } else { Protocol::ContractNet };
        let bidders = bidders
            .into_iter()
            .map(|(bidder, standing)| {
                let name = bidder.name().clone();
                // The tender itself minds the time.
                let patience = Patience::default();
                let dialogue = Dialogue::initiator(
                    protocol,
                    me.clone(),
                    bidder,
                    conversation.clone(),
                    patience,
                );
                (name, Bidder { dialogue, standing, bid: None })
            })
            .collect();
        let phase = Phase::Fresh;
        Self { announcement, terms, me: me.clone(), bidders, phase, armed: None, timers: 0 }
    }

    /// What is offered.
    #[must_use]
    pub const fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Who works on the task.
    #[must_use]
    pub const fn winner(&self) -> Option<&AgentName> {
        match &self.phase {
            Phase::Working { winner, .. } => Some(winner),
            Phase::Fresh | Phase::Gathering { .. } | Phase::Ended => None,
        }
    }

    /// The bids that count now, in order of the bidders' names.
    pub fn bids(&self) -> impl Iterator<Item = (&AgentName, &Bid)> {
        self.bidders.iter().filter_map(|(name, bidder)| Some((name, bidder.bid.as_ref()?)))
    }
}
