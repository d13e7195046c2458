//! The view of what was spent.

use bottega_event::{NewEvent, Record, SessionEvent};
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
    /// Answers and failed calls of models without a known price.
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
        4
    }

    fn touches(&self, record: &Record) -> Vec<String> {
        let (Some(session), Some(spent)) = (record.stream.as_session(), Bill::of(&record.event))
        else {
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
        let Some(bill) = Bill::of(&record.event) else { return Vec::new() };
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

/// What one event says about money.
struct Bill {
    by: Option<ModelRef>,
    answers: u64,
    usage: Usage,
    cost: Money,
    unpriced: u64,
}

impl Bill {
    fn of(event: &NewEvent) -> Option<Self> {
        // Most events are about something else, and need not be read for that.
        if !matches!(&*event.kind, "model.answered" | "model.failed") {
            return None;
        }
        let event = SessionEvent::decode(event).ok()?;
        if let SessionEvent::ModelFailed(failed) = event {
            let usage = Usage { input: failed.spent.tokens, ..Usage::default() };
            let (cost, free) = (failed.spent.money, failed.spent == Spent::default());
            let unpriced = u64::from(failed.unpriced);
            return (!free).then_some(Self { by: failed.by, answers: 0, usage, cost, unpriced });
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

#[cfg(test)]
mod tests {
    use bottega_event::ModelFailed;
    use bottega_llm::{ErrorKind, ModelError};
    use bottega_policy::Spent;
    use bottega_types::{CallId, Tokens};

    use super::*;

    /// What a failed call that took so much counts as: tokens, and how many have no price.
    #[track_caller]
    fn check(tokens: u64, unpriced: bool, expected: Option<(u64, u64)>) {
        let failed = ModelFailed {
            call: CallId::from_bits(1),
            error: ModelError::new(ErrorKind::CutOff, "cut"),
            spent: Spent { tokens: Tokens::new(tokens), money: Money::ZERO },
            unpriced,
            by: None,
        };
        let bill = Bill::of(&SessionEvent::from(failed).encode());
        assert_eq!(bill.map(|bill| (bill.usage.total().get(), bill.unpriced)), expected);
    }

    #[test]
    fn a_failed_call_counts_with_what_is_known_of_it() {
        check(0, false, None);
        check(9, false, Some((9, 0)));
        check(9, true, Some((9, 1)));
    }
}
