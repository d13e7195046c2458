//! What follows from each input. Pure.

use bottega_behaviour::{Behaviour, Effect, Input, Refusal};
use bottega_event::{
    Approved, Compaction, EndKind, Ended, ModelAnswered, ModelAsked, ModelFailed, Nudged, Purpose,
    Rerouted, Rewound, SessionEvent, Stepped, ToolOutcome, ToolReport, ToolStarted,
};
use bottega_llm::{ErrorKind, ModelError, Role, Stop, ToolCall};
use bottega_policy::{Approval, Verdict};
use bottega_types::{CallId, Timestamp, Tokens};
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::Alarm;
use crate::definition::FINISH;
use crate::request::small;
use crate::state::{Phase, State};
use crate::{Definition, compaction, finish, guide};

/// Answers in a row that hold nothing usable, before the work ends.
const USELESS: u32 = 3;
/// Failed questions in a row, before the work ends.
const FAILURES: u32 = 3;
/// What the model is told when its answer was cut off.
const GO_ON: &str = "Your answer was cut off at its limit. Go on exactly where it ended.";
/// Pieces of one answer, each cut off at its limit, before the work ends.
const PIECES: usize = 8;
/// Fewer answer tokens than this are not worth a question.
const LEAST_ANSWER: u32 = 128;
/// How full the window may get before the history is shortened, in percent.
const FULL: u64 = 85;

/// The language-model agent.
#[derive(Clone, Debug)]
pub struct LlmAgent {
    definition: Arc<Definition>,
}

impl LlmAgent {
    /// An agent of this definition.
    #[must_use]
    pub fn new(definition: Definition) -> Self {
        Self { definition: Arc::new(definition) }
    }

    /// What makes it differ from another.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }
}

impl Behaviour for LlmAgent {
    type State = State;

    fn initial(&self) -> State {
        State::default()
    }

    fn evolve(&self, state: &mut State, event: &SessionEvent, at: Timestamp) {
        state.evolve(&self.definition, event, at);
    }

    fn decide(
        &self,
        state: &State,
        input: Input,
        now: Timestamp,
    ) -> Result<Vec<SessionEvent>, Refusal> {
        let mut draft = Draft { agent: self, state: state.clone(), events: Vec::new(), now };
        if state.phase == Phase::New && !matches!(input, Input::Start(_)) {
            return Err(Refusal::NotStarted);
        }
        match input {
            Input::Start(started) => {
                if state.phase != Phase::New {
                    return Err(Refusal::AlreadyStarted);
                }
                draft.push(started);
            }
            Input::Reroute(to) => {
                if state.phase == Phase::Working
                    && (state.asked.is_some() || state.has_open_tools())
                {
                    return Err(Refusal::Busy);
                }
                draft.push(to);
            }
            Input::Task(task) => {
                if state.phase == Phase::Working {
                    return Err(Refusal::Busy);
                }
                draft.push(task);
                draft.proceed();
            }
            Input::Resume(to) => draft.resume(to)?,
            Input::Surveyed(survey) => {
                if state.survey.is_some() {
                    return Err(Refusal::NotOutstanding("survey".to_owned()));
                }
                draft.push(survey);
                draft.proceed();
            }
            Input::Answered(answered) => {
                draft.waits_for_model(answered.call)?;
                draft.answered(answered);
            }
            Input::Failed(failed) => {
                draft.waits_for_model(failed.call)?;
                draft.failed(failed);
            }
            Input::ToolEnded(report) => {
                let open =
                    |tool: &crate::OpenTool| tool.call == report.call && tool.report.is_none();
                if !state.tools.iter().any(open) {
                    return Err(Refusal::NotOutstanding(report.call.to_string()));
                }
                let stopped = report.approved.approval == Some(Approval::Stopped);
                draft.push(report);
                if stopped {
                    // Nothing more is asked, neither of the model nor of the person.
                    draft.stop(EndKind::Interrupted)?;
                } else {
                    draft.proceed();
                }
            }
            Input::Compact => {
                if state.phase == Phase::Working {
                    return Err(Refusal::Busy);
                }
                if state.messages.len() < 3 {
                    return Err(Refusal::Nothing("there is nothing to shorten yet".to_owned()));
                }
                draft.compact_now(None);
            }
            Input::Undone(undone) => {
                if state.phase == Phase::Working {
                    return Err(Refusal::Busy);
                }
                draft.push(undone);
            }
            Input::TimeUp(reports) => {
                draft.stopped_at_work(reports);
                let seconds = state.started.as_ref().map_or(0, |started| started.limits.seconds);
                draft.stop(EndKind::Limit {
                    why: format!("the time limit of {seconds} s passed"),
                })?;
            }
            Input::Interrupt(reports) => {
                draft.stopped_at_work(reports);
                draft.stop(EndKind::Interrupted)?;
            }
        }
        Ok(draft.events)
    }

    fn outstanding(&self, state: &State) -> Vec<Effect> {
        let Some(started) = &state.started else { return Vec::new() };
        let mut effects = Vec::new();
        if state.survey.is_none() {
            effects.push(Effect::Survey);
        }
        if let Some(asked) = &state.asked {
            effects.push(Effect::AskModel {
                call: asked.call,
                route: started.model.route.clone(),
                request: Arc::new(self.definition.request(state, asked.purpose, asked.max_output)),
                worst: asked.worst,
            });
        }
        let open = state.tools.iter().filter(|tool| tool.report.is_none());
        effects.extend(
            open.map(|tool| Effect::RunTool { call: tool.call, request: tool.request.clone() }),
        );
        if let Some(work) = &state.work {
            effects
                .push(Effect::WakeAt(work.began.plus(Duration::from_secs(started.limits.seconds))));
        }
        effects
    }
}

/// A decision in the making: the events so far, and the state as it will be after them.
struct Draft<'a> {
    agent: &'a LlmAgent,
    state: State,
    events: Vec<SessionEvent>,
    now: Timestamp,
}

impl Draft<'_> {
    fn push(&mut self, event: impl Into<SessionEvent>) {
        let event = event.into();
        self.agent.evolve(&mut self.state, &event, self.now);
        self.events.push(event);
    }

    fn waits_for_model(&self, call: CallId) -> Result<(), Refusal> {
        match &self.state.asked {
            Some(asked) if asked.call == call => Ok(()),
            _ => Err(Refusal::NotOutstanding(call.to_string())),
        }
    }

    /// Goes on after the process had gone: what was asked of the model is asked anew (the first question may
    /// have been paid, so it counts at its worst); a call that may have changed something is not repeated.
    fn resume(&mut self, to: Rerouted) -> Result<(), Refusal> {
        if self.state.phase != Phase::Working {
            return Err(Refusal::Nothing(
                "the session's work has ended; give it a new task".to_owned(),
            ));
        }
        if let Some(asked) = self.state.asked.clone() {
            self.push(ModelFailed {
                call: asked.call,
                error: ModelError::new(
                    ErrorKind::CutOff,
                    "the process ended while the model answered",
                ),
                spent: asked.worst,
                unpriced: self.state.unpriced(),
                by: None,
            });
        }
        let lost: Vec<_> = self
            .state
            .tools
            .iter()
            .filter(|tool| tool.report.is_none())
            .filter(|tool| !self.agent.definition.may_repeat(&tool.request.name))
            .map(|tool| (tool.call, tool.request.name.clone()))
            .collect();
        for (call, name) in lost {
            self.push(report(
                call,
                ToolOutcome::Interrupted,
                format!(
                    "The process ended while `{name}` ran. It may have done all, some or none of its \
                     work, and it was not run again. Look at the present state before you go on."
                ),
            ));
        }
        // Stored before the next question, so that it is asked of the model and within the limits of now. Time
        // counts anew: while no process ran nothing was worked.
        self.push(to);
        self.proceed();
        Ok(())
    }

    fn answered(&mut self, answered: ModelAnswered) {
        let purpose = self.state.asked.as_ref().map_or(Purpose::Turn, |asked| asked.purpose);
        let answer = answered.answer.clone();
        let call = answered.call;
        self.push(answered);
        if purpose == Purpose::Compaction {
            let text = answer.message.text();
            let own = (!text.trim().is_empty()).then_some((call, text));
            self.compact_now(own);
            return self.proceed();
        }
        let calls: Vec<ToolCall> = answer.message.tool_calls().cloned().collect();
        if answer.stop == Stop::Refused {
            return self.end(
                EndKind::Refused { why: "the model declined the task".to_owned() },
                answer.message.text(),
            );
        }
        let cut = matches!(answer.stop, Stop::MaxOutput | Stop::ContextFull);
        match calls.as_slice() {
            [] => self.spoken(&answer.message.text(), cut),
            [only] if only.name == FINISH && !cut => self.finished(only),
            calls => self.start(calls, cut),
        }
    }

    /// Starts the calls of an answer. Of an answer that was cut off no call is run: the last of them may be
    /// half of what was meant.
    fn start(&mut self, calls: &[ToolCall], cut: bool) {
        for request in calls {
            let call = self.state.next_call(0);
            self.push(ToolStarted { call, request: request.clone() });
        }
        let not_run: Vec<_> = self
            .state
            .tools
            .iter()
            .filter(|tool| tool.report.is_none() && (cut || tool.request.name == FINISH))
            .map(|tool| tool.call)
            .collect();
        let why = if cut {
            "Not run: your answer was cut off at its limit. Say it in fewer words, or in several steps."
        } else {
            "Not done: call `finish` alone, after the other calls have ended."
        };
        for call in not_run {
            self.push(report(call, ToolOutcome::Failed, why.to_owned()));
        }
        self.proceed();
    }

    /// The model spoke without calling a tool.
    fn spoken(&mut self, text: &str, cut: bool) {
        let mut pieces = self.pieces();
        pieces.push(text.to_owned());
        let (count, whole) = (pieces.len(), pieces.concat());
        let Some(work) = &self.state.work else { return };
        let must_finish = self.agent.definition.must_finish(&self.state);
        // An answer in the form that was asked for is an answer, also without the tool.
        if let Some(schema) = &work.schema
            && !cut
            && let Some(answer) = finish::well_formed(schema, &whole)
        {
            return self.done(answer.to_string());
        }
        let form = work.schema.as_ref().and_then(|schema| finish::misshapen(schema, &whole));
        let nudge = if text.trim().is_empty() {
            "You said nothing. Call a tool, or say that you are done."
        } else if cut && count >= PIECES {
            let why = format!("the model's answer was cut off {count} times in a row");
            return self.end(EndKind::Stuck { why }, whole);
        } else if cut {
            GO_ON
        } else if must_finish && work.schema.is_some() && work.sent_back >= finish::SENT_BACK {
            return self.formless();
        } else if must_finish && work.sent_back < finish::SENT_BACK {
            form.as_deref().unwrap_or(
                "Use a tool call for your next step. If the task is done, call `finish` with your answer.",
            )
        } else {
            return self.done(whole);
        };
        if self.useless() {
            return;
        }
        self.push(Nudged { text: nudge.to_owned() });
        self.proceed();
    }

    /// The pieces of an answer that was cut off so far, without the last.
    fn pieces(&self) -> Vec<String> {
        let before = self.state.messages.iter().rev().skip(1);
        let turns: Vec<_> = before.collect();
        let mut pieces: Vec<String> = turns
            .chunks(2)
            .map_while(|turn| match turn {
                [asked, said] if asked.role == Role::User && asked.text() == GO_ON => {
                    (said.tool_calls().next().is_none()).then(|| said.text())
                }
                _ => None,
            })
            .collect();
        pieces.reverse();
        pieces
    }

    /// The model called `finish`.
    fn finished(&mut self, request: &ToolCall) {
        match finish::answer(&self.state, &self.agent.definition, request) {
            Ok(answer) => self.done(answer),
            Err(_)
                if self.state.work.as_ref().is_some_and(|work| {
                    work.schema.is_some() && work.sent_back >= finish::SENT_BACK
                }) =>
            {
                self.formless();
            }
            Err(why) => {
                let call = self.state.next_call(0);
                self.push(ToolStarted { call, request: request.clone() });
                self.push(report(call, ToolOutcome::Failed, why));
                self.proceed();
            }
        }
    }

    /// The model does not give its answer the form that was asked for.
    fn formless(&mut self) {
        let why = "the model did not give its answer the form that was asked for".to_owned();
        self.end(EndKind::Stuck { why }, String::new());
    }

    fn done(&mut self, answer: String) {
        let Some(work) = &self.state.work else { return };
        self.end(finish::how(&self.state, work, &self.agent.definition), answer);
    }

    fn end(&mut self, how: EndKind, answer: String) {
        let began = self.state.work.as_ref().map_or(self.now, |work| work.began);
        self.push(Ended { how, answer, began });
    }

    /// Ends the work if the model has given too many useless answers in a row.
    fn useless(&mut self) -> bool {
        let useless = self.state.work.as_ref().map_or(0, |work| work.useless);
        if useless < USELESS {
            return false;
        }
        self.end(
            EndKind::Stuck { why: format!("the model gave {useless} empty answers in a row") },
            String::new(),
        );
        true
    }

    fn failed(&mut self, mut failed: ModelFailed) {
        let purpose = self.state.asked.as_ref().map_or(Purpose::Turn, |asked| asked.purpose);
        let error = failed.error.clone();
        let broke_off = failed.spent != bottega_policy::Spent::default();
        // A call that broke down names nobody: any model of the route may have been asked.
        failed.unpriced |= broke_off && failed.by.is_none() && self.state.unpriced();
        self.push(failed);
        let failures = self.state.work.as_ref().map_or(0, |work| work.failures);
        match error.kind {
            ErrorKind::Budget => {
                self.end(EndKind::Limit { why: error.message }, String::new());
            }
            // A summary is a convenience: without one, the ledger serves.
            _ if purpose == Purpose::Compaction => {
                self.compact_now(None);
                self.proceed();
            }
            ErrorKind::ContextOverflow => self.proceed(),
            // The gateway has repeated what could be repeated for nothing. An answer that broke off may be
            // asked for again, from the budget.
            ErrorKind::CutOff | ErrorKind::Garbled | ErrorKind::Timeout if failures < FAILURES => {
                self.proceed();
            }
            // The same for a provider that gave out in the middle of an answer.
            ErrorKind::Overloaded | ErrorKind::RateLimited | ErrorKind::Network
                if broke_off && failures < FAILURES =>
            {
                self.proceed();
            }
            ErrorKind::CutOff
            | ErrorKind::Garbled
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
            | ErrorKind::Overloaded
            | ErrorKind::Network
            | ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::InvalidRequest
            | ErrorKind::QuotaExhausted
            | ErrorKind::Unsupported
            | ErrorKind::Internal => self.end(EndKind::Provider { error }, String::new()),
        }
    }

    /// What calls that are stopped had done by then. Of the others nobody knows.
    fn stopped_at_work(&mut self, reports: Vec<ToolReport>) {
        for report in reports {
            let open = |tool: &crate::OpenTool| tool.call == report.call && tool.report.is_none();
            if self.state.phase == Phase::Working && self.state.tools.iter().any(open) {
                self.push(report);
            }
        }
    }

    /// Stops all that is under way, and ends the work.
    fn stop(&mut self, how: EndKind) -> Result<(), Refusal> {
        if self.state.phase != Phase::Working {
            return Err(Refusal::Nothing("nothing is under way".to_owned()));
        }
        if let Some(asked) = self.state.asked.clone() {
            self.push(ModelFailed {
                call: asked.call,
                error: ModelError::new(ErrorKind::CutOff, "stopped before the answer was complete"),
                spent: asked.worst,
                unpriced: self.state.unpriced(),
                by: None,
            });
        }
        let open: Vec<_> =
            self.state.tools.iter().filter(|t| t.report.is_none()).map(|t| t.call).collect();
        for call in open {
            let text = "Stopped before it ended; it may have done part of its work.".to_owned();
            self.push(report(call, ToolOutcome::Interrupted, text));
        }
        self.end(how, String::new());
        Ok(())
    }

    /// Replaces older messages by a summary: the model's own, or the ledger alone.
    fn compact_now(&mut self, own: Option<(CallId, String)>) {
        let kept = compaction::kept(&self.state);
        let compacted = match own {
            Some((call, text)) => Compaction {
                call: Some(call),
                summary: format!("{}\n{}", compaction::ledger(&self.state), text.trim()),
                kept,
            },
            None => Compaction { call: None, summary: compaction::mechanical(&self.state), kept },
        };
        self.push(compacted);
    }

    /// Takes the next step of the work, when nothing is open.
    fn proceed(&mut self) {
        let ready = self.state.phase == Phase::Working
            && self.state.survey.is_some()
            && self.state.asked.is_none()
            && !self.state.has_open_tools();
        let (Some(work), Some(started), true) =
            (&self.state.work, self.state.started.clone(), ready)
        else {
            return;
        };
        match work.breaker.alarm(self.agent.definition.repeats) {
            Alarm::Calm => {}
            Alarm::Warn(text) => self.push(Nudged { text }),
            Alarm::Stop(why) => return self.end(EndKind::Stuck { why }, String::new()),
            Alarm::Refused(why) => return self.end(EndKind::Refused { why }, String::new()),
        }
        let turns = self.state.work.as_ref().map_or(0, |work| work.turns);
        if turns >= started.limits.turns {
            let turns = started.limits.turns;
            let turns = if turns == 1 { "1 turn".to_owned() } else { format!("{turns} turns") };
            let why = format!("the limit of {turns} was reached");
            return self.end(EndKind::Limit { why }, String::new());
        }
        if let Some(step) = guide::own_step(&self.state, &self.agent.definition) {
            return self.step(step);
        }
        if let Some((kept, note)) = guide::go_back(&self.state) {
            self.push(Rewound { kept, note });
        }
        if let Some(text) = guide::word(&self.state, &self.agent.definition) {
            self.push(Nudged { text });
        }
        if self.window_full() {
            if self.state.just_compacted {
                let why = format!(
                    "the conversation does not fit the model's window of {} tokens, even shortened",
                    started.model.context_window
                );
                return self.end(EndKind::Limit { why }, String::new());
            }
            if small(&self.state) || self.state.overflowed {
                self.compact_now(None);
                return self.proceed();
            }
            return self.ask(Purpose::Compaction);
        }
        self.ask(Purpose::Turn);
    }

    /// Takes a step without asking the model.
    fn step(&mut self, step: guide::Step) {
        let call = self.state.next_call(0);
        let guide::Step { tool, arguments, about } = step;
        let request = ToolCall { id: call.to_string(), name: tool, arguments };
        self.push(Stepped { calls: vec![request.clone()], about });
        self.push(ToolStarted { call, request });
    }

    fn window_full(&self) -> bool {
        let Some(started) = &self.state.started else { return false };
        let definition = &self.agent.definition;
        let answer = Tokens::new(definition.answer_limit(&self.state).into());
        let room = started.model.context_window.saturating_sub(answer).get() * FULL / 100;
        self.state.overflowed || definition.prompt_estimate(&self.state).get() > room
    }

    /// Asks the model, if the budget covers the worst that the answer can cost.
    fn ask(&mut self, purpose: Purpose) {
        let Some(started) = self.state.started.clone() else { return };
        let definition = &self.agent.definition;
        let extra = match purpose {
            Purpose::Turn => 0,
            Purpose::Compaction => compaction::INSTRUCTION.len() as u64,
        };
        let allowance = started.limits.budget.allowance(
            self.state.spent,
            definition.prompt_bound(&self.state) + Tokens::new(extra),
            started.model.input_price,
            started.model.output_price,
            definition.answer_limit(&self.state),
            LEAST_ANSWER,
        );
        match allowance {
            Ok(allowance) => {
                let call = self.state.next_call(0);
                let (max_output, worst) = (allowance.max_output, allowance.worst);
                self.push(ModelAsked { call, purpose, max_output, worst });
            }
            Err(exhausted) => {
                let why = format!("the budget is used up: {exhausted}");
                self.end(EndKind::Limit { why }, String::new());
            }
        }
    }
}

/// The report of a call that the loop itself answers.
fn report(call: CallId, outcome: ToolOutcome, text: String) -> ToolReport {
    ToolReport {
        call,
        outcome,
        summary: text.lines().next().unwrap_or_default().to_owned(),
        text,
        full: None,
        changes: Vec::new(),
        unkept: None,
        exit_code: None,
        origins: Vec::new(),
        approved: Approved { verdict: Verdict::Allow, approval: None },
        elapsed_ms: 0,
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test tells the events it is about")]
mod tests;
