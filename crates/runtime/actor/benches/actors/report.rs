//! Rows of a result, as a table or as JSON.

use std::io::Write;

use serde_json::json;

use crate::Failure;
use crate::measure::Figure;

/// Which of two values is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// What our value should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn words(self) -> String {
        match self {
            Self::AtLeast(value) => format!("value >= {value}"),
            Self::AtMost(value) => format!("value <= {value}"),
        }
    }

    fn met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

/// One figure, and the peer's.
pub(crate) struct Row {
    metric: String,
    unit: &'static str,
    value: f64,
    peer: &'static str,
    peer_value: f64,
    better: Better,
    goal: Option<Goal>,
}

impl Row {
    pub(crate) fn new(ours: &Figure, peer: &'static str, theirs: &Figure) -> Self {
        Self {
            metric: ours.metric.clone(),
            unit: ours.unit,
            value: ours.value,
            peer,
            peer_value: theirs.value,
            better: ours.better,
            goal: ours.goal,
        }
    }
}

/// Prints the rows to standard output.
pub(crate) fn print(rows: &[Row], as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let rows = rows.iter().map(|row| {
            json!({
                "metric": row.metric, "unit": row.unit, "value": row.value,
                "peer": row.peer, "peer_value": row.peer_value, "ratio": row.value / row.peer_value,
                "goal": row.goal.map(Goal::words), "met": row.goal.map(|goal| goal.met(row.value)),
            })
        });
        writeln!(out, "{:#}", serde_json::Value::Array(rows.collect()))?;
        return Ok(());
    }
    let (metric, ours, peer, better) = ("metric", "ours", "peer", "better");
    writeln!(out, "{metric:32} {ours:>14} {peer:>14} {better:>7}")?;
    for row in rows {
        let times = match row.better {
            Better::More => row.value / row.peer_value,
            Better::Less => row.peer_value / row.value,
        };
        let goal = row.goal.map_or_else(String::new, |goal| {
            let met = if goal.met(row.value) { "met" } else { "missed" };
            format!(", {} {met}", goal.words())
        });
        let Row { metric, unit, value, peer, peer_value, .. } = row;
        writeln!(
            out,
            "{metric:32} {value:14.2} {peer_value:14.2} {times:6.2}x {unit} next to {peer}{goal}"
        )?;
    }
    Ok(())
}
