//! Rows of the platform's views, as people and scripts get them.

use bottega_api::{CostRow, Ending, RunTotals, SessionState, SessionSummary};
use bottega_platform::{SessionRow, WorkState};
use bottega_types::SessionId;

use crate::ending::ending;

/// A session in a list.
pub(crate) fn summary(session: SessionId, row: &SessionRow) -> SessionSummary {
    let (state, ending) = match &row.state {
        WorkState::Idle => (SessionState::Idle, None),
        WorkState::Open => (SessionState::Open, None),
        WorkState::Ended(how) => {
            let ending = ending(how).0;
            let well = ending == Ending::Done;
            (if well { SessionState::Done } else { SessionState::Failed }, Some(ending))
        }
    };
    let per_second = |ms: u64| row.decode_tokens as f64 * 1_000.0 / ms as f64;
    SessionSummary {
        id: session.to_string(),
        title: row.title.clone(),
        state,
        ending,
        agent: row.agent.clone(),
        model: row.model.clone(),
        workspace: row.workspace.clone(),
        started_ms: row.started_ms,
        updated_ms: row.updated_ms,
        changed: row.changed.clone(),
        totals: RunTotals {
            turns: row.turns,
            tool_calls: row.tool_calls,
            input_tokens: row.usage.input.get(),
            cached_tokens: row.usage.cached.get(),
            output_tokens: row.usage.output.get(),
            cost_usd: (row.unpriced == 0).then(|| row.cost.as_dollars()),
            known_cost_usd: row.cost.as_dollars(),
            model_ms: row.model_ms,
            tokens_per_second: (row.decode_ms > 0).then(|| per_second(row.decode_ms)),
            elapsed_ms: row.work_ms,
        },
    }
}

/// What was spent under a key.
pub(crate) fn cost_row(key: &str, row: &bottega_platform::CostRow) -> CostRow {
    CostRow {
        key: key.to_owned(),
        answers: row.answers,
        input_tokens: row.usage.input.get(),
        cached_tokens: row.usage.cached.get(),
        output_tokens: row.usage.output.get(),
        cost_usd: (row.unpriced == 0).then(|| row.cost.as_dollars()),
        known_cost_usd: row.cost.as_dollars(),
    }
}
