//! From what a session tells to what a run streams.

use std::collections::BTreeMap;

use bottega_api::{RunEvent, RunTotals};
use bottega_event::{ModelAnswered, ModelFailed, Purpose, SessionEvent, ToolOutcome, ToolReport};
use bottega_gateway::{GatewayEvent, WaitReason};
use bottega_llm::StreamEvent;
use bottega_platform::{Happened, Update};
use bottega_policy::Spent;
use bottega_types::{CallId, Money, Timestamp};

use crate::ending::{ending, next_step};

/// Folds the updates of one task into the events of its run.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    session: String,
    began: Option<Timestamp>,
    totals: RunTotals,
    cost_nanos: u64,
    /// Whether a model took tokens whose price is not known.
    unpriced: bool,
    decode_tokens: u64,
    decode_ms: u64,
    tools: BTreeMap<CallId, String>,
    /// Why the last attempt failed, until the next one is told.
    failed: Option<String>,
    /// A question that is no turn: its stream is not shown.
    silent: Option<CallId>,
}

impl Translator {
    pub(crate) fn new(session: String) -> Self {
        Self { session, ..Self::default() }
    }

    /// The same for work that goes on: calls that were under way when its process ended keep their names.
    pub(crate) fn resumed(session: String, history: &[Happened]) -> Self {
        let mut tools = BTreeMap::new();
        for happened in history {
            if let SessionEvent::ToolStarted(started) = &happened.event {
                tools.insert(started.call, started.request.name.clone());
            }
            if let SessionEvent::ToolFinished(report) = &happened.event {
                tools.remove(&report.call);
            }
        }
        Self { session, tools, ..Self::default() }
    }

    /// The totals so far.
    pub(crate) const fn totals(&self) -> &RunTotals {
        &self.totals
    }

    /// What a listener of the run is told about one update.
    pub(crate) fn update(&mut self, update: &Update) -> Vec<RunEvent> {
        match update {
            Update::Stored { event, at, .. } => self.stored(event, *at),
            Update::Model { call, .. } if self.silent == Some(*call) => Vec::new(),
            Update::Model { event, .. } => self.model(event),
            Update::Output { call, text } => {
                vec![RunEvent::ToolOutput { call: call.to_string(), text: text.to_string() }]
            }
            Update::Stopped { .. } => Vec::new(),
        }
    }

    fn stored(&mut self, event: &SessionEvent, at: Timestamp) -> Vec<RunEvent> {
        if let Some(began) = self.began {
            self.totals.elapsed_ms = at.as_millis().saturating_sub(began.as_millis());
        }
        match event {
            SessionEvent::Tasked(_) => {
                self.began = Some(at);
                Vec::new()
            }
            SessionEvent::ModelAsked(asked) => match asked.purpose {
                Purpose::Turn => {
                    self.totals.turns += 1;
                    vec![RunEvent::Turn { number: self.totals.turns }]
                }
                Purpose::Compaction => {
                    self.silent = Some(asked.call);
                    Vec::new()
                }
            },
            SessionEvent::ModelAnswered(answered) => self.answered(answered),
            SessionEvent::ModelFailed(failed) => {
                self.failed = Some(failed.error.to_string());
                self.not_answered(failed)
            }
            SessionEvent::ToolStarted(started) => {
                self.tools.insert(started.call, started.request.name.clone());
                vec![RunEvent::ToolCall {
                    call: started.call.to_string(),
                    tool: started.request.name.clone(),
                    arguments: started.request.arguments.clone(),
                }]
            }
            SessionEvent::ToolFinished(report) => vec![self.tool_result(report)],
            SessionEvent::Nudged(nudged) => vec![RunEvent::Nudge { text: nudged.text.clone() }],
            SessionEvent::Compacted(compacted) => {
                vec![RunEvent::Compacted {
                    kept: u32::try_from(compacted.kept).unwrap_or(u32::MAX),
                }]
            }
            SessionEvent::Ended(ended) => {
                // A resumed run began before anybody listened.
                self.totals.elapsed_ms = at.as_millis().saturating_sub(ended.began.as_millis());
                let (ending, why) = ending(&ended.how);
                vec![RunEvent::Ended {
                    ending,
                    why,
                    next_step: next_step(&ended.how),
                    answer: ended.answer.clone(),
                    session: self.session.clone(),
                    totals: self.totals.clone(),
                }]
            }
            SessionEvent::Started(_)
            | SessionEvent::Rerouted(_)
            | SessionEvent::Surveyed(_)
            | SessionEvent::Stepped(_)
            // The calls that took the change back were told; the model is told nothing.
            | SessionEvent::Rewound(_)
            | SessionEvent::Undone(_)
            | SessionEvent::Removed(_) => Vec::new(),
        }
    }

    fn answered(&mut self, answered: &ModelAnswered) -> Vec<RunEvent> {
        let usage = answered.answer.usage;
        let totals = &mut self.totals;
        totals.input_tokens += usage.input.get();
        totals.cached_tokens += usage.cached.get();
        totals.output_tokens += usage.output.get();
        totals.model_ms += answered.timing.total_ms;
        self.pay(answered.cost, answered.unpriced);
        let totals = &mut self.totals;
        if let Some((tokens, millis)) = answered.decoding() {
            self.decode_tokens += tokens;
            self.decode_ms += millis;
            totals.tokens_per_second =
                Some(self.decode_tokens as f64 * 1_000.0 / self.decode_ms as f64);
        }
        let told = RunEvent::Totals { totals: totals.clone() };
        if self.silent.take() == Some(answered.call) {
            return vec![told];
        }
        vec![RunEvent::Message { text: answered.answer.message.text() }, told]
    }

    /// A call that failed may have cost something all the same. As in the view of sessions its tokens count as prompt,
    /// since nobody says what was answer.
    fn not_answered(&mut self, failed: &ModelFailed) -> Vec<RunEvent> {
        let spent = &failed.spent;
        if *spent == Spent::default() {
            return Vec::new();
        }
        self.totals.input_tokens += spent.tokens.get();
        self.pay(spent.money, failed.unpriced);
        vec![RunEvent::Totals { totals: self.totals.clone() }]
    }

    fn pay(&mut self, money: Money, unpriced: bool) {
        self.cost_nanos = self.cost_nanos.saturating_add(money.as_nanos());
        self.unpriced |= unpriced;
        self.totals.known_cost_usd = Money::from_nanos(self.cost_nanos).as_dollars();
        self.totals.cost_usd = (!self.unpriced).then_some(self.totals.known_cost_usd);
    }

    fn tool_result(&mut self, report: &ToolReport) -> RunEvent {
        self.totals.tool_calls += u32::from(report.outcome != ToolOutcome::Denied);
        RunEvent::ToolResult {
            call: report.call.to_string(),
            tool: self.tools.remove(&report.call).unwrap_or_default(),
            outcome: outcome(report.outcome).to_owned(),
            summary: report.summary.clone(),
            text: report.text.clone(),
            changed: report.changes.iter().map(|change| change.path.clone()).collect(),
            exit_code: report.exit_code,
            elapsed_ms: report.elapsed_ms,
        }
    }

    fn model(&mut self, event: &GatewayEvent) -> Vec<RunEvent> {
        match event {
            GatewayEvent::Attempt { by, number } => {
                let why = self.failed.take();
                if *number == 1 && why.is_none() {
                    return Vec::new();
                }
                vec![RunEvent::Retry { model: by.to_string(), attempt: *number, why }]
            }
            GatewayEvent::Waiting { reason: WaitReason::Retry(error), .. } => {
                self.failed = Some(error.to_string());
                Vec::new()
            }
            GatewayEvent::Waiting { .. } => Vec::new(),
            GatewayEvent::Stream(event) => match event {
                StreamEvent::Text(delta) => vec![RunEvent::Text { delta: delta.clone() }],
                StreamEvent::Reasoning(delta) => vec![RunEvent::Reasoning { delta: delta.clone() }],
                StreamEvent::PromptProgress { done, total } => {
                    vec![RunEvent::Prompt { done: done.get(), total: total.get() }]
                }
                StreamEvent::Started { .. }
                | StreamEvent::ReasoningSignature(_)
                | StreamEvent::ToolCallStarted { .. }
                | StreamEvent::ToolCallDelta { .. }
                | StreamEvent::Usage(_)
                | StreamEvent::Ended(_) => Vec::new(),
            },
        }
    }
}

/// The API's word for an outcome.
pub(crate) const fn outcome(outcome: ToolOutcome) -> &'static str {
    match outcome {
        ToolOutcome::Succeeded => "succeeded",
        ToolOutcome::CommandFailed => "command_failed",
        ToolOutcome::Failed => "failed",
        ToolOutcome::Denied => "denied",
        ToolOutcome::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use bottega_event::ModelAsked;
    use bottega_llm::{ErrorKind, ModelError};
    use bottega_platform::SessionRow;
    use bottega_types::Tokens;

    use super::*;

    /// A question that fails after it took `money`; the run and the view of sessions must say the same of it.
    #[track_caller]
    fn check(money: u64, unpriced: bool, expected: Option<f64>) {
        let call = CallId::from_bits(1);
        let spent = Spent { tokens: Tokens::new(11_282), money: Money::from_nanos(money) };
        let error = ModelError::new(ErrorKind::CutOff, "cut");
        let events: [SessionEvent; 2] = [
            ModelAsked { call, purpose: Purpose::Turn, max_output: 9, worst: spent }.into(),
            ModelFailed { call, error, spent, unpriced, by: None }.into(),
        ];
        let (mut run, mut row) = (Translator::new(String::new()), SessionRow::default());
        for event in &events {
            run.stored(event, Timestamp::from_millis(1));
            row.fold(event, 1);
        }
        let totals = run.totals();
        assert_eq!((totals.turns, totals.input_tokens), (1, 11_282));
        assert_eq!((row.turns, row.usage.input.get()), (1, 11_282));
        assert_eq!(totals.known_cost_usd, row.cost.as_dollars());
        assert_eq!(totals.cost_usd, expected);
        assert_eq!(row.unpriced, u64::from(unpriced));
    }

    #[test]
    fn a_failed_call_counts_as_in_the_view() {
        check(300_000_000, false, Some(0.3));
        check(0, false, Some(0.0));
        check(0, true, None);
    }
}
