//! The view of what was spent.

use bottega_event::{Record, SessionEvent};
use bottega_llm::Usage;
use bottega_store::{Change, Projection, Rows};
use bottega_types::Money;
use serde::{Deserialize, Serialize};

/// What was spent under one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostRow {
    /// Answers.
    pub answers: u64,
    /// What they cost in tokens.
    pub usage: Usage,
    /// What they cost in money.
    pub cost: Money,
}

/// The view of what was spent: rows `day/2026-11-20`, `model/PROVIDER/NAME` and `session/ses_…`, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct CostView;

impl Projection for CostView {
    fn name(&self) -> &'static str {
        "costs"
    }

    fn version(&self) -> u32 {
        1
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        let (Some(session), "model.answered") = (record.stream.as_session(), &*record.event.kind)
        else {
            return Vec::new();
        };
        let Ok(SessionEvent::ModelAnswered(answered)) = SessionEvent::decode(&record.event) else {
            return Vec::new();
        };
        vec![
            format!("day/{}", record.at.day()),
            format!("model/{}", answered.by),
            format!("session/{session}"),
        ]
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let Ok(SessionEvent::ModelAnswered(answered)) = SessionEvent::decode(&record.event) else {
            return Vec::new();
        };
        let fold = |(key, value): &(String, Option<Vec<u8>>)| {
            let mut row: CostRow = value
                .as_deref()
                .and_then(|bytes| serde_json::from_slice(bytes).ok())
                .unwrap_or_default();
            row.answers += 1;
            row.usage += answered.answer.usage;
            row.cost += answered.cost;
            Change { key: key.clone(), value: serde_json::to_vec(&row).ok() }
        };
        rows.0.iter().map(fold).collect()
    }
}
