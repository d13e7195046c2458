//! Rows of a result, as a table or as JSON, one row a line.

use std::io::Write;

use serde_json::json;

use crate::Failure;

/// One figure, and a peer's.
pub(crate) struct Row {
    metric: String,
    unit: &'static str,
    value: f64,
    peer: Option<Peer>,
    /// The most that `value` may be.
    goal: Option<f64>,
}

/// A peer's figure; of one that failed, what it said.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) value: Result<f64, String>,
}

impl Row {
    pub(crate) fn new(metric: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { metric: metric.into(), unit, value, peer: None, goal: None }
    }

    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// The same row once for each peer, or as it is where there is none.
    pub(crate) fn beside(self, peers: Vec<Peer>) -> Vec<Self> {
        if peers.is_empty() {
            return vec![self];
        }
        let Self { metric, unit, value, goal, .. } = self;
        let row = |peer| Self { metric: metric.clone(), unit, value, peer: Some(peer), goal };
        peers.into_iter().map(row).collect()
    }

    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| self.value <= goal)
    }

    fn peer_value(&self) -> Option<f64> {
        self.peer.as_ref().and_then(|peer| peer.value.as_ref().ok().copied())
    }

    fn peer_name(&self) -> Option<String> {
        self.peer.as_ref().map(|Peer { name, value }| match value {
            Ok(_) => (*name).to_owned(),
            Err(why) => format!("{name}: failed: {why}"),
        })
    }
}

/// Prints the rows to standard output.
pub(crate) fn print(rows: &[Row], as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for row in rows {
        let Row { metric, unit, value, goal, .. } = row;
        let ratio = row.peer_value().map(|peer| value / peer);
        if as_json {
            let row = json!({
                "metric": metric, "unit": unit, "value": value, "peer": row.peer_name(),
                "peer_value": row.peer_value(), "ratio": ratio,
                "goal": goal.map(|goal| format!("<= {goal}")), "met": row.met(),
            });
            writeln!(out, "{row}")?;
            continue;
        }
        write!(out, "{metric:52} {value:10.2} {unit}")?;
        if let (Some(goal), Some(met)) = (goal, row.met()) {
            write!(out, ", at most {goal}: {}", if met { "met" } else { "MISSED" })?;
        }
        if let Some(peer) = row.peer_name() {
            write!(out, " | {peer}")?;
        }
        if let (Some(value), Some(ratio)) = (row.peer_value(), ratio) {
            write!(out, " {value:.2}, ratio {ratio:.2}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
