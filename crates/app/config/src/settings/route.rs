//! `[models]`: named routes, retries and prices.

use std::collections::BTreeMap;

use bottega_llm::{ModelRef, Sampling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::marker;
use crate::{Dollars, Period};

/// Named routes, retries and prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RouteSettings {
    /// Routes by name. A route is used by its name wherever a model is.
    pub routes: BTreeMap<String, Route>,
    /// Further attempts at one model before the next one of the route is asked.
    #[schemars(range(max = 100))]
    pub retries: u32,
    /// How long is waited before the first further attempt; it doubles each time, with jitter. A
    /// provider's own word (`Retry-After`) counts more.
    pub retry_wait: Period,
    /// The longest wait between two attempts. A provider that wants more is given up.
    pub retry_wait_max: Period,
    /// How long a connection may take to come about.
    pub connect_timeout: Period,
    /// How long a stream may be silent before it counts as cut.
    pub idle_timeout: Period,
    /// How long one question may take in all, further attempts and other models included. The agent asks one that broke
    /// off anew, up to three times a turn.
    pub deadline: Period,
    /// Prices that replace those in the shipped table, by `PROVIDER/NAME`.
    pub prices: BTreeMap<String, PriceSettings>,
}

impl Default for RouteSettings {
    fn default() -> Self {
        Self {
            routes: BTreeMap::new(),
            retries: 4,
            retry_wait: Period::millis(500),
            retry_wait_max: Period::seconds(60),
            connect_timeout: Period::seconds(10),
            idle_timeout: Period::seconds(300),
            deadline: Period::seconds(1800),
            prices: BTreeMap::new(),
        }
    }
}

/// One route: models that stand in for each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// The models, the preferred one first. The next is asked when one gives up.
    #[schemars(with = "Vec<marker::ModelRef>", length(min = 1))]
    pub models: Vec<ModelRef>,
    /// Replaces `models.retries` on this route.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub retries: Option<u32>,
    /// Replaces `models.idle_timeout` on this route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Period>,
    /// Replaces `models.deadline` on this route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Period>,
    /// Replaces `model.max_output` on this route: tokens of one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_output: Option<u32>,
    /// Replaces `model.sampling` on this route, value by value.
    pub sampling: Sampling,
}

impl Route {
    /// How tokens are drawn on this route: its own values, and `base` for those it leaves open.
    #[must_use]
    pub fn sampling_over(&self, base: Sampling) -> Sampling {
        let Sampling { temperature, top_p, top_k, seed } = self.sampling;
        Sampling {
            temperature: temperature.or(base.temperature),
            top_p: top_p.or(base.top_p),
            top_k: top_k.or(base.top_k),
            seed: seed.or(base.seed),
        }
    }
}

/// What a million tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PriceSettings {
    /// US dollars for a million tokens of the answer, reasoning included. Must be given; `0` is free.
    pub output: Dollars,
    /// US dollars for a million prompt tokens. As `output` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Dollars>,
    /// US dollars for a million prompt tokens read from the provider's cache. As `input` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<Dollars>,
    /// US dollars for a million prompt tokens written to the provider's cache. As `input` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Dollars>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_leaves_open_what_it_does_not_set() {
        let base = Sampling { temperature: Some(0.5), seed: Some(7), ..Sampling::default() };
        let own = Sampling { temperature: Some(0.0), top_k: Some(3), ..Sampling::default() };
        let route = Route { sampling: own, ..Route::default() };
        let expected =
            Sampling { temperature: Some(0.0), top_p: None, top_k: Some(3), seed: Some(7) };
        assert_eq!(route.sampling_over(base), expected);
    }
}
