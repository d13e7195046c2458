//! What tokens cost: the shipped table, the user's corrections, and the sum for one answer.

use std::collections::BTreeMap;

use bottega_llm::{ModelRef, Usage};
use bottega_types::{Money, Tokens};
use serde::Deserialize;

/// The table that is shipped; its head says where it comes from.
const SHIPPED: &str = include_str!("prices.toml");

/// What a million tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Prompt tokens that no cache had a part in.
    #[serde(deserialize_with = "dollars")]
    pub input: Money,
    /// Answer tokens, reasoning included.
    #[serde(deserialize_with = "dollars")]
    pub output: Money,
    /// Prompt tokens read from the provider's cache. As `input` when absent.
    #[serde(default, deserialize_with = "some_dollars")]
    pub cached: Option<Money>,
    /// Prompt tokens written to the provider's cache. As `input` when absent.
    #[serde(default, deserialize_with = "some_dollars")]
    pub cache_write: Option<Money>,
}

/// What requests cost whose prompt has more than so many tokens: all of their tokens, the answer's too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Above {
    /// Prompt tokens, cached ones included, that a request may have without costing this.
    pub prompt: Tokens,
    /// What it costs then.
    pub rates: Rates,
}

/// The price of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// What requests cost.
    pub rates: Rates,
    /// What requests with long prompts cost instead, by rising length.
    pub above: Vec<Above>,
}

/// The dearest that tokens can be, per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ceiling {
    /// A prompt token, read from a cache, written to one, or neither.
    pub(crate) input: Money,
    /// An answer token.
    pub(crate) output: Money,
}

impl Ceiling {
    /// The dearer of both, kind by kind.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { input: self.input.max(other.input), output: self.output.max(other.output) }
    }
}

impl Rates {
    fn ceiling(&self) -> Ceiling {
        let input = self.input.max(self.cached.unwrap_or_default());
        Ceiling { input: input.max(self.cache_write.unwrap_or_default()), output: self.output }
    }

    /// The exact sum, rounded up once to a billionth of a dollar.
    fn cost(&self, usage: &Usage) -> Money {
        let parts = [
            (self.input, usage.fresh()),
            (self.cached.unwrap_or(self.input), usage.cached),
            (self.cache_write.unwrap_or(self.input), usage.cache_write),
            (self.output, usage.output),
        ];
        let sum = parts.iter().fold(0_u128, |sum, (rate, tokens)| {
            sum.saturating_add(u128::from(rate.as_nanos()) * u128::from(tokens.get()))
        });
        Money::from_nanos(u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

impl Price {
    /// What an answer with this usage costs.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Money {
        let long = self.above.iter().rfind(|above| usage.input > above.prompt);
        long.map_or(self.rates, |above| above.rates).cost(usage)
    }

    /// The dearest that tokens of a request with at most so many prompt tokens can be.
    pub(crate) fn ceiling(&self, prompt: Tokens) -> Ceiling {
        let reachable = self.above.iter().filter(|above| prompt > above.prompt);
        reachable.fold(self.rates.ceiling(), |most, above| most.max(above.rates.ceiling()))
    }
}

/// Which models a row of the table is for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    text: String,
    open: bool,
}

/// Text that no price can be filed under.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrice {
    /// It names no models.
    #[error("`{0}` names no models; write `PROVIDER/NAME`, with a `*` at the end for any rest")]
    Pattern(String),
    /// The table can't be read.
    #[error("the price table can't be read: {0}")]
    Table(String),
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, BadPrice> {
        let (stem, open) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        let named = stem.split_once('/').is_some_and(|(provider, _)| !provider.is_empty());
        if !named || stem.contains('*') || (!open && stem.ends_with('/')) {
            return Err(BadPrice::Pattern(text.to_owned()));
        }
        Ok(Self { text: stem.to_owned(), open })
    }

    fn matches(&self, model: &str) -> bool {
        if self.open { model.starts_with(&self.text) } else { model == self.text }
    }
}

/// What models cost, by `PROVIDER/NAME`.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {
    date: String,
    /// The user's own rows, which come before any shipped one.
    own: Vec<(Pattern, Price)>,
    shipped: Vec<(Pattern, Price)>,
}

impl PriceTable {
    /// The table of this release.
    pub fn shipped() -> Result<Self, BadPrice> {
        Self::parse(SHIPPED)
    }

    /// A table in the form of the shipped one.
    pub fn parse(text: &str) -> Result<Self, BadPrice> {
        let file: File =
            toml::from_str(text).map_err(|error| BadPrice::Table(error.to_string()))?;
        let mut table = Self { date: file.date, ..Self::default() };
        for row in file.model {
            let mut above: Vec<Above> = row.above.into_iter().map(Above::from).collect();
            above.sort_by_key(|above| above.prompt);
            let price = Price { rates: row.rates, above };
            for pattern in &row.patterns {
                table.shipped.push((Pattern::parse(pattern)?, price.clone()));
            }
        }
        Ok(table)
    }

    /// The same table with the user's own prices before it, by `PROVIDER/NAME` (a `*` at the end stands for
    /// any rest).
    pub fn with(mut self, own: BTreeMap<String, Price>) -> Result<Self, BadPrice> {
        for (pattern, price) in own {
            self.own.push((Pattern::parse(&pattern)?, price));
        }
        Ok(self)
    }

    /// The day on which the shipped prices were read, as in `2026-11-20`.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.date
    }

    /// The price of a model: the user's own, or the shipped one. The longest match counts.
    #[must_use]
    pub fn get(&self, model: &ModelRef) -> Option<&Price> {
        let model = model.to_string();
        let longest = |rows: &'_ [(Pattern, Price)]| {
            let matching =
                rows.iter().enumerate().filter(|(_, (pattern, _))| pattern.matches(&model));
            matching
                .max_by_key(|(_, (pattern, _))| (pattern.text.len(), !pattern.open))
                .map(|(at, _)| at)
        };
        let own = longest(&self.own).map(|at| &self.own[at].1);
        own.or_else(|| longest(&self.shipped).map(|at| &self.shipped[at].1))
    }

    /// What an answer costs; `None` when no price is known.
    #[must_use]
    pub fn cost(&self, by: &ModelRef, usage: &Usage) -> Option<Money> {
        self.get(by).map(|price| price.cost(usage))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    date: String,
    model: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "match")]
    patterns: Vec<String>,
    #[serde(flatten)]
    rates: Rates,
    #[serde(default)]
    above: Vec<LongRow>,
}

#[derive(Deserialize)]
struct LongRow {
    prompt: Tokens,
    #[serde(flatten)]
    rates: Rates,
}

impl From<LongRow> for Above {
    fn from(row: LongRow) -> Self {
        Self { prompt: row.prompt, rates: row.rates }
    }
}

/// Dollars are written as text, so that no binary fraction comes between.
fn dollars<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Money, D::Error> {
    let text = String::deserialize(reader)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn some_dollars<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<Money>, D::Error> {
    dollars(reader).map(Some)
}

#[cfg(test)]
mod tests;
