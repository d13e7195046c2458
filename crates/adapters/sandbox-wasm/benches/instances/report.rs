//! Rows of a result, as a table or as JSON.

use std::io::Write;

use serde_json::json;

use crate::Failure;

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// At most that.
    Value(f64),
    /// At most that more than the peer's.
    Beside(f64),
}

/// One figure, and the peer's.
pub(crate) struct Row {
    pub(crate) metric: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) peer_value: f64,
    pub(crate) goal: Option<Goal>,
}

const PEER: &str = "wasmtime alone";

impl Row {
    pub(crate) fn new(
        metric: &'static str,
        unit: &'static str,
        value: f64,
        peer_value: f64,
    ) -> Self {
        Self { metric, unit, value, peer_value, goal: None }
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::Value(most) => self.value <= most,
            Goal::Beside(most) => self.value - self.peer_value <= most,
        })
    }

    fn goal(&self) -> Option<String> {
        self.goal.map(|goal| match goal {
            Goal::Value(most) => format!("value <= {most}"),
            Goal::Beside(most) => format!("value - peer_value <= {most}"),
        })
    }
}

/// Prints the rows to standard output.
pub(crate) fn print(rows: &[Row], as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let rows = rows.iter().map(|row| {
            json!({
                "metric": row.metric, "unit": row.unit, "value": row.value, "peer": PEER,
                "peer_value": row.peer_value, "ratio": row.value / row.peer_value,
                "goal": row.goal(), "met": row.met(),
            })
        });
        writeln!(out, "{:#}", serde_json::Value::Array(rows.collect()))?;
        return Ok(());
    }
    let (metric, ours, peer) = ("metric", "ours", PEER);
    writeln!(out, "{metric:48} {ours:>10} {peer:>16}")?;
    for row in rows {
        let met = match (row.goal(), row.met()) {
            (Some(goal), Some(true)) => format!(", {goal}: met"),
            (Some(goal), Some(false)) => format!(", {goal}: missed"),
            (_, _) => String::new(),
        };
        let Row { metric, unit, value, peer_value, goal: _ } = row;
        writeln!(out, "{metric:48} {value:10.3} {peer_value:16.3} {unit}{met}")?;
    }
    Ok(())
}
