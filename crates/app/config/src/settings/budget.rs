//! `[budget]`: the most that may be spent.

use bottega_policy::Budget;
use bottega_types::Tokens;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Dollars;

/// The most that may be spent, checked before each call. Unlimited where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetSettings {
    /// By one run: from its task on.
    pub per_run: Purse,
    /// By one agent, by its name, in one day (UTC).
    pub per_agent: Purse,
    /// In one day (UTC), all runs together.
    pub per_day: Purse,
}

/// Tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Purse {
    /// Tokens, prompts and answers together. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// US dollars. Unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Dollars>,
}

impl From<Purse> for Budget {
    fn from(purse: Purse) -> Self {
        let Purse { tokens, money } = purse;
        Self { tokens: tokens.map(Tokens::new), money: money.map(|Dollars(money)| money) }
    }
}
