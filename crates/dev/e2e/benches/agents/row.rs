//! Rows of the result.

use std::io::Write;

use serde_json::json;

use crate::Failure;

/// What a figure should be.
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    RatioAtLeast(f64),
}

/// One figure, and a peer's.
pub(crate) struct Row {
    pub(crate) metric: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) peer: Option<(&'static str, f64)>,
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
        Self { peer: Some((peer, value)), ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.peer.map(|(_, value)| self.value / value)
    }

    fn judged(&self) -> Option<(String, bool)> {
        let ratio = self.ratio().unwrap_or(f64::NAN);
        self.goal.as_ref().map(|goal| match goal {
            Goal::AtMost(most) => (format!("<= {most}"), self.value <= *most),
            Goal::AtLeast(least) => (format!(">= {least}"), self.value >= *least),
            Goal::RatioAtLeast(least) => (format!("ratio >= {least}"), ratio >= *least),
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
                "peer": row.peer.map(|(peer, _)| peer), "peer_value": row.peer.map(|(_, value)| value),
                "ratio": row.ratio(), "goal": judged.as_ref().map(|(goal, _)| goal),
                "met": judged.as_ref().map(|(_, met)| met),
            });
            writeln!(out, "{row}")?;
            continue;
        }
        write!(out, "{:48} {:14.2} {}", row.metric, row.value, row.unit)?;
        if let (Some((peer, value)), Some(ratio)) = (row.peer, row.ratio()) {
            write!(out, " | {peer} {value:.2}, ratio {ratio:.2}")?;
        }
        if let Some((goal, met)) = judged {
            write!(out, " | {goal}: {}", if met { "met" } else { "MISSED" })?;
        }
        writeln!(out)?;
    }
    Ok(())
}
