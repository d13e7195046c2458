//! Tasks that are put out to tender among agents, and what agents said about them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A task to be put out to tender.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenderRequest {
    /// What is to be done, in words.
    pub task: String,
    /// The skill that it takes: a type of service in the directory.
    pub skill: String,
    /// What whoever does it must have, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The most that will be paid, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
    /// How long it may take from now on until it is done, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_ms: Option<u64>,
    /// The rule by which a bid is taken: `cheapest`, `fastest`, `best-value` (when absent) or `vickrey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How long bids are waited for in each round, in milliseconds; 10,000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bidding_ms: Option<u64>,
    /// The most rounds of bidding: 1 (when absent) to 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u8>,
    /// How many of the next best are kept waiting while the winner works; 2 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<usize>,
    /// What an hour of waiting costs, in US dollars, for `best-value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hour_usd: Option<f64>,
    /// Who is called for bids; everybody who offers the skill when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<Vec<String>>,
    /// Names it, so that it is opened once however often it is sent: 1 to 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// Where a tender stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TenderStanding {
    /// Bids are waited for.
    Bidding,
    /// Somebody works on it.
    Working,
    /// It is done.
    Done,
    /// No bid counted.
    NoBids,
    /// Everybody who was awarded failed, and nobody is left.
    Exhausted,
    /// It was withdrawn.
    Cancelled,
}

impl TenderStanding {
    /// Whether it is over.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        match self {
            Self::Bidding | Self::Working => false,
            Self::Done | Self::NoBids | Self::Exhausted | Self::Cancelled => true,
        }
    }
}

/// One tender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TenderView {
    /// Its id.
    pub id: String,
    /// The conversation in which it is held.
    pub conversation: String,
    /// Who opened it.
    pub by: String,
    /// What is to be done.
    pub task: String,
    /// The skill that it takes.
    pub skill: String,
    /// The most that is paid, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
    /// The rule by which a bid is taken.
    pub rule: String,
    /// Where it stands.
    pub state: TenderStanding,
    /// When it began, in milliseconds since the Unix epoch.
    pub opened_ms: u64,
    /// When it ended, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// Who was called for bids.
    pub called: Vec<String>,
    /// The bids that counted, the latest of each bidder.
    pub bids: Vec<BidView>,
    /// Who works on it, or did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// What the winner is paid, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_usd: Option<f64>,
    /// How often it was awarded: more than once when a winner failed or was silent.
    pub awards: u32,
    /// What was brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A bid that counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BidView {
    /// Who made it.
    pub by: String,
    /// What it asks for, in US dollars.
    pub price_usd: f64,
    /// How long it says that it takes, in milliseconds.
    pub takes_ms: u64,
    /// How sure it is to succeed, from 0 to 1.
    pub confidence: f64,
    /// When it came, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What became of it: `awarded`, `done`, `failed`, `silent`, `rejected`, `cancelled`, …; nothing yet when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fate: Option<String>,
}

/// What is known of an agent for a skill, learned from how its awards ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReputationView {
    /// Who.
    pub agent: String,
    /// For what.
    pub skill: String,
    /// Awards that ended with a result.
    pub done: u32,
    /// Awards that did not.
    pub failed: u32,
    /// The share of successes to be expected, from 0 to 1.
    pub success: f64,
    /// What it really costs, as a multiple of what it asked for.
    pub price_ratio: f64,
    /// How long it really takes, as a multiple of what it promised.
    pub time_ratio: f64,
}

/// A message of a conversation that was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SaidView {
    /// Its name.
    pub id: String,
    /// When it was taken in, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The message.
    pub message: Value,
}
