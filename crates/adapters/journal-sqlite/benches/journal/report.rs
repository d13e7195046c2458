//! Rows of a result, as a table or as JSON.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use crate::Failure;

/// What one side needed.
#[derive(Default)]
pub(crate) struct Times {
    pub(crate) waits: Vec<Duration>,
    /// Appends per second of each turn.
    rates: Vec<f64>,
}

impl Times {
    pub(crate) fn add(&mut self, other: Self) {
        self.waits.extend(other.waits);
        self.rates.extend(other.rates);
    }

    /// Ends a turn that took `span`.
    pub(crate) fn ended(mut self, span: Duration) -> Self {
        self.rates.push(self.waits.len() as f64 / span.as_secs_f64());
        self
    }

    /// Appends per second, in the median turn.
    pub(crate) fn rate(&mut self) -> f64 {
        self.rates.sort_unstable_by(f64::total_cmp);
        self.rates.get(self.rates.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The wait, in microseconds, that this part of the appends did not exceed.
    pub(crate) fn wait(&mut self, part: f64) -> f64 {
        self.waits.sort_unstable();
        let at = (self.waits.len() as f64 * part) as usize;
        self.waits.get(at).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e6)
    }
}

/// One figure, and the peer's.
pub(crate) struct Row {
    pub(crate) metric: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) peer: &'static str,
    pub(crate) peer_value: f64,
    /// The least that `value` over `peer_value` should be.
    pub(crate) goal: Option<f64>,
}

impl Row {
    pub(crate) fn compare(metric: String, unit: &'static str, value: f64, peer_value: f64) -> Self {
        Self { metric, unit, value, peer: "bare SQLite", peer_value, goal: None }
    }

    pub(crate) fn against(self, peer: &'static str) -> Self {
        Self { peer, ..self }
    }

    fn ratio(&self) -> f64 {
        self.value / self.peer_value
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| self.ratio() >= goal)
    }
}

/// Prints the rows to standard output.
pub(crate) fn print(rows: &[Row], as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let rows = rows.iter().map(|row| {
            let Row { metric, unit, value, peer, peer_value, goal } = row;
            json!({
                "metric": metric, "unit": unit, "value": value, "peer": peer, "peer_value": peer_value,
                "ratio": row.ratio(), "goal": goal.map(|goal| format!("ratio >= {goal}")), "met": row.met(),
            })
        });
        writeln!(out, "{:#}", serde_json::Value::Array(rows.collect()))?;
        return Ok(());
    }
    let (metric, ours, peer, ratio) = ("metric", "ours", "peer", "ratio");
    writeln!(out, "{metric:52} {ours:>12} {peer:>12} {ratio:>7}")?;
    for row in rows {
        let met = match (row.goal, row.met()) {
            (Some(goal), Some(true)) => format!(", goal {goal} met"),
            (Some(goal), Some(false)) => format!(", goal {goal} missed"),
            (_, _) => String::new(),
        };
        let (metric, value, peer_value, ratio) =
            (&row.metric, row.value, row.peer_value, row.ratio());
        writeln!(
            out,
            "{metric:52} {value:12.1} {peer_value:12.1} {ratio:7.2} {} next to {}{met}",
            row.unit, row.peer
        )?;
    }
    Ok(())
}
