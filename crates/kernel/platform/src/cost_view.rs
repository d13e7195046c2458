//! The view of what was spent.

use bottega_event::{Record, SessionEvent};
use bottega_llm::{ModelRef, Usage};
use bottega_policy::Spent;
use bottega_store::{Change, Projection, Rows};
use bottega_types::Money;
use serde::{Deserialize, Serialize};

/// What was spent under one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostRow {
    /// Answers.
    pub answers: u64,
    /// What they cost in tokens; failed calls count as prompts, since nobody says what was answer.
    pub usage: Usage,
    /// What they cost in money, as far as it is known.
    pub cost: Money,
    /// Of the answers, those of models without a known price.
    pub unpriced: u64,
}

/// The view of what was spent: rows `day/2026-11-20`, `model/PROVIDER/NAME` and `session/ses_…`, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct CostView;

impl Projection for CostView {
    fn name(&self) -> &'static str {
        "costs"
    }

    fn version(&self) -> u32 {
        3
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        let (Some(session), Some(spent)) = (record.stream.as_session(), Bill::of(record)) else {
            return Vec::new();
        };
        let by = spent.by.map_or_else(|| UNKNOWN.to_owned(), |by| by.to_string());
        vec![
            format!("day/{}", record.at.day()),
            format!("model/{by}"),
            format!("session/{session}"),
        ]
    }

    fn apply(&self, record: &Record, rows: &Rows) -> Vec<Change> {
        let Some(bill) = Bill::of(record) else { return Vec::new() };
        let fold = |(key, value): &(String, Option<Vec<u8>>)| {
            let mut row: CostRow = value
                .as_deref()
                .and_then(|bytes| serde_json::from_slice(bytes).ok())
                .unwrap_or_default();
            row.answers += bill.answers;
            row.usage += bill.usage;
            row.cost += bill.cost;
            row.unpriced += bill.unpriced;
            Change { key: key.clone(), value: serde_json::to_vec(&row).ok() }
        };
        rows.0.iter().map(fold).collect()
    }
}

/// Whose failed calls those are of which no model is known: their process died, or they were stopped.
const UNKNOWN: &str = "unknown";

/// What one record says about money.
struct Bill {
    by: Option<ModelRef>,
    answers: u64,
    usage: Usage,
    cost: Money,
    unpriced: u64,
}

impl Bill {
    fn of(record: &Record) -> Option<Self> {
        // Most records are about something else, and need not be read for that.
        if !matches!(&*record.event.kind, "model.answered" | "model.failed") {
            return None;
        }
        let event = SessionEvent::decode(&record.event).ok()?;
        if let SessionEvent::ModelFailed(failed) = event {
            let usage = Usage { input: failed.spent.tokens, ..Usage::default() };
            let (cost, free) = (failed.spent.money, failed.spent == Spent::default());
            return (!free).then_some(Self { by: failed.by, answers: 0, usage, cost, unpriced: 0 });
        }
        let SessionEvent::ModelAnswered(answered) = event else { return None };
        Some(Self {
            by: Some(answered.by),
            answers: 1,
            usage: answered.answer.usage,
            cost: answered.cost,
            unpriced: u64::from(answered.unpriced),
        })
    }
}
