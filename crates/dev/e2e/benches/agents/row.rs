//! Rows of the result.

use std::io::Write;

use serde_json::json;

use crate::Failure;

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// Above the peer's figure.
    MoreByAtMost(f64),
}

/// One figure, and a peer's.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) metric: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    /// Its name and its figure; a peer that is not installed has none.
    pub(crate) peer: Option<(&'static str, Option<f64>)>,
    pub(crate) goal: Option<Goal>,
}

impl Row {
    pub(crate) fn new(metric: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { metric: metric.into(), unit, value, peer: None, goal: None }
    }

    pub(crate) fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    pub(crate) fn beside(self, peer: &'static str, value: f64) -> Self {
        Self { peer: Some((peer, Some(value))), ..self }
    }

    /// Beside a peer that is not here; `why` names it, and how to have it.
    pub(crate) fn absent(self, why: &'static str) -> Self {
        Self { peer: Some((why, None)), ..self }
    }

    /// Beside the median of Erlang's turns; none of them when it is not installed.
    pub(crate) fn beside_erlang(self, turns: Vec<f64>) -> Self {
        if turns.is_empty() {
            return self.absent(crate::erlang::ABSENT);
        }
        self.beside(crate::erlang::NAME, median(turns))
    }

    /// Beside the median of the turns over NATS; none of them when it is not installed.
    pub(crate) fn beside_nats(self, name: &'static str, turns: Vec<f64>) -> Self {
        if turns.is_empty() {
            return self.absent(crate::nats::ABSENT);
        }
        self.beside(name, median(turns))
    }

    fn ratio(&self) -> Option<f64> {
        self.peer.and_then(|(_, value)| value).map(|value| self.value / value)
    }

    /// The goal in words, and whether it is met: nobody knows, where it is about a peer that is absent.
    fn judged(&self) -> Option<(String, Option<bool>)> {
        let ratio = self.ratio();
        let more = self.peer.and_then(|(_, value)| value).map(|value| self.value - value);
        self.goal.map(|goal| match goal {
            Goal::AtMost(most) => (format!("<= {most}"), Some(self.value <= most)),
            Goal::AtLeast(least) => (format!(">= {least}"), Some(self.value >= least)),
            Goal::RatioAtLeast(least) => {
                (format!("ratio >= {least}"), ratio.map(|ratio| ratio >= least))
            }
            Goal::RatioAtMost(most) => {
                (format!("ratio <= {most}"), ratio.map(|ratio| ratio <= most))
            }
            Goal::MoreByAtMost(most) => {
                (format!("value - peer_value <= {most}"), more.map(|more| more <= most))
            }
        })
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value that this share of them does not exceed.
pub(crate) fn share(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get((values.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN)
}

/// Prints the rows to standard output.
pub(crate) fn print(rows: &[Row], as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for row in rows {
        let judged = row.judged();
        if as_json {
            let row = json!({
                "metric": row.metric, "unit": row.unit, "value": row.value,
                "peer": row.peer.map(|(peer, _)| peer), "peer_value": row.peer.and_then(|(_, value)| value),
                "ratio": row.ratio(), "goal": judged.as_ref().map(|(goal, _)| goal),
                "met": judged.as_ref().and_then(|(_, met)| *met),
            });
            writeln!(out, "{row}")?;
            continue;
        }
        write!(out, "{:48} {:14.2} {}", row.metric, row.value, row.unit)?;
        if let Some((peer, value)) = row.peer {
            write!(out, " | {peer}")?;
            if let (Some(value), Some(ratio)) = (value, row.ratio()) {
                write!(out, " {value:.2}, ratio {ratio:.2}")?;
            }
        }
        if let Some((goal, met)) = judged {
            write!(
                out,
                " | {goal}: {}",
                met.map_or("not known", |met| if met { "met" } else { "MISSED" })
            )?;
        }
        writeln!(out)?;
    }
    Ok(())
}
