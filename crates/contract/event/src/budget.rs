//! What is promised and spent under a budget that several sessions share.

use bottega_policy::Spent;
use bottega_types::{CallId, SessionId};
use serde::{Deserialize, Serialize};

use crate::catalogue::events;

events! {
    /// An event of a `spending/DAY` stream.
    BudgetEvent {
        /// A call was given an amount that counts as spent until it is settled.
        Reserved(Reserved) = "budget.reserved", 1;
        /// A call cost this much in the end.
        Settled(Settled) = "budget.settled", 1;
    }
}

/// A call was given this much at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The call.
    pub call: CallId,
    /// The session it belongs to.
    pub session: SessionId,
    /// The agent that asks; what each agent spends is summed by it.
    pub agent: String,
    /// The worst it can cost.
    pub worst: Spent,
}

/// A call cost this much in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The call.
    pub call: CallId,
    /// What it cost.
    pub cost: Spent,
}
