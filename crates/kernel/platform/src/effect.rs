//! Carrying out effects: the one place where an agent's wishes become deeds.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bottega_actor::{Line, TaskKind};
use bottega_behaviour::{Effect, Input, Surveyor};
use bottega_event::{Approved, ModelAnswered, ModelFailed, Survey, ToolOutcome, ToolReport};
use bottega_gateway::{Call, Gateway, GatewayEvent};
use bottega_llm::{ErrorKind, ModelError, ModelRef, Part, StreamEvent, ToolCall};
use bottega_policy::{AccessMode, Verdict};
use bottega_tool::{CommandSink, StreamName, Workspace};
use bottega_toolhost::{SessionScope, ToolHost};
use bottega_types::{CallId, Redactor, SessionId, StreamRedactor, Timestamp};
use tokio::sync::{Semaphore, broadcast};

use crate::Update;

/// What a session works on: the tools with their workspace, and who looks it over.
#[derive(Clone)]
pub struct Ground {
    /// The tools.
    pub tools: Arc<ToolHost>,
    /// How much may be done without asking.
    pub mode: AccessMode,
    /// Looks over the workspace before the first question.
    pub surveyor: Arc<dyn Surveyor>,
    /// The files, for undo.
    pub workspace: Arc<dyn Workspace>,
    /// Takes secrets out of live output.
    pub redactor: Arc<Redactor>,
    /// Tool calls that may run side by side.
    pub parallel_tools: usize,
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground")
            .field("parallel_tools", &self.parallel_tools)
            .finish_non_exhaustive()
    }
}

/// The result of an effect: the input that tells it.
#[derive(Debug)]
pub(crate) struct Carried(pub(crate) Input);

/// Tells a session's listeners what happens between two stored events.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) updates: broadcast::Sender<Update>,
}

/// All that effects are carried out with.
#[derive(Clone)]
pub(crate) struct Hands {
    pub(crate) agent: Arc<str>,
    pub(crate) gateway: Gateway,
    pub(crate) ground: Ground,
    /// What the session may do and has seen.
    pub(crate) scope: Arc<SessionScope>,
    pub(crate) tool_slots: Arc<Semaphore>,
    /// Tool calls that wait for a slot, in the order of the calls. A later call would wait with its slot for the
    /// question of an earlier one, which would wait for a slot.
    pub(crate) entries: Line,
    /// Tool calls that are under way or to come, in the order of the calls. Those that only look have their turn
    /// together; one that may change something has it alone, after those before it and before those behind it.
    pub(crate) order: Line,
    /// Models that broke off since the last whole answer.
    pub(crate) broken_off: Vec<ModelRef>,
}

impl Hands {
    /// The work of one effect. Tool calls take their places in line now, not when they begin to run.
    pub(crate) fn carry_out(
        self,
        session: SessionId,
        effect: Effect,
        listener: Listener,
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Carried> + Send>> {
        match effect {
            Effect::Survey => Box::pin(async move {
                let survey = self.ground.surveyor.survey().await;
                Carried(Input::Surveyed(masked_survey(survey, &self.ground.redactor)))
            }),
            Effect::WakeAt(moment) => Box::pin(async move {
                bottega_actor::sleep(moment.since(now)).await;
                Carried(Input::TimeUp(Vec::new()))
            }),
            Effect::AskModel { call, route, request, worst } => {
                let agent = self.agent.to_string();
                let broken_off = self.broken_off.clone();
                let asked = Call { session, agent, call, route, request, worst, broken_off };
                Box::pin(self.ask(asked, listener))
            }
            Effect::RunTool { call, request } => Box::pin(self.run_tool(call, request, listener)),
        }
    }

    async fn ask(self, asked: Call, listener: Listener) -> Carried {
        let call = asked.call;
        let redactor = self.ground.redactor.clone();
        let live = Mutex::new(Live::default());
        let on = |event| {
            let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
            for event in live.clean(&redactor, event) {
                let event = Arc::new(event);
                let _ = listener.updates.send(Update::Model { call, event });
            }
        };
        Carried(match self.gateway.ask(asked, &on).await {
            Ok(answered) => Input::Answered(masked(answered, &redactor)),
            Err(mut failed) => {
                failed.error.message = redactor.clean(&failed.error.message).into_owned();
                Input::Failed(failed)
            }
        })
    }

    fn run_tool(
        self,
        call: CallId,
        request: ToolCall,
        listener: Listener,
    ) -> impl Future<Output = Carried> + Send {
        let looks = self.ground.tools.only_looks(&request);
        let turn = if looks { self.order.join_beside() } else { self.order.join() };
        let (entry, place) = (self.entries.join(), self.scope.place());
        async move {
            turn.turn().await;
            entry.turn().await;
            // A closed semaphore can't be: the session's loop holds it.
            let _slot = self.tool_slots.acquire().await;
            drop(entry);
            let sink = Arc::new(Sink { call, listener, redactor: self.ground.redactor.clone() });
            let report = self.ground.tools.call(&self.scope, place, call, &request, sink).await;
            drop(turn);
            Carried(Input::ToolEnded(report))
        }
    }
}

/// The texts of one answer as they stream, each without secrets.
#[derive(Default)]
struct Live {
    text: StreamRedactor,
    reasoning: StreamRedactor,
}

impl Live {
    fn clean(&mut self, redactor: &Redactor, event: GatewayEvent) -> Vec<GatewayEvent> {
        let (text, reasoning) = match event {
            GatewayEvent::Stream(StreamEvent::Text(delta)) => {
                let rest = self.reasoning.finish();
                return [(rest, false), (self.text.push(redactor, &delta), true)]
                    .into_iter()
                    .filter_map(|(delta, is_text)| piece(delta, is_text))
                    .collect();
            }
            GatewayEvent::Stream(StreamEvent::Reasoning(delta)) => {
                let rest = self.text.finish();
                return [(rest, true), (self.reasoning.push(redactor, &delta), false)]
                    .into_iter()
                    .filter_map(|(delta, is_text)| piece(delta, is_text))
                    .collect();
            }
            // An attempt before it is void, and so is what was held back of it.
            GatewayEvent::Attempt { .. } => {
                *self = Self::default();
                (String::new(), String::new())
            }
            GatewayEvent::Waiting { .. } | GatewayEvent::Stream(_) => {
                (self.text.finish(), self.reasoning.finish())
            }
        };
        let held = [piece(reasoning, false), piece(text, true)];
        held.into_iter().flatten().chain([event]).collect()
    }
}

fn piece(delta: String, is_text: bool) -> Option<GatewayEvent> {
    let event = if is_text { StreamEvent::Text } else { StreamEvent::Reasoning };
    (!delta.is_empty()).then(|| GatewayEvent::Stream(event(delta)))
}

/// A survey without the secrets that files may hold.
fn masked_survey(mut survey: Survey, redactor: &Redactor) -> Survey {
    for (_, text) in &mut survey.instructions {
        *text = redactor.clean(text).into_owned();
    }
    survey.map = redactor.clean(&survey.map).into_owned();
    for line in &mut survey.surroundings {
        *line = redactor.clean(line).into_owned();
    }
    survey
}

/// An answer without the secrets that a model may have come to know.
fn masked(mut answered: ModelAnswered, redactor: &Redactor) -> ModelAnswered {
    let clean = |text: &mut String| {
        let clean = redactor.clean(text).into_owned();
        let changed = clean != *text;
        *text = clean;
        changed
    };
    for part in &mut answered.answer.message.parts {
        match part {
            Part::Text { text } => {
                clean(text);
            }
            Part::Reasoning { text, signature } => {
                // It would vouch for other words, and a provider refuses the whole request for that. Some hold the
                // words themselves.
                let changed = clean(text);
                signature.take_if(|signature| changed || clean(signature));
            }
            Part::ToolCall(call) => {
                clean(&mut call.arguments);
            }
            Part::Media(_) | Part::ToolResult(_) => {}
        }
    }
    answered
}

/// Passes live output on, without secrets.
struct Sink {
    call: CallId,
    listener: Listener,
    redactor: Arc<Redactor>,
}

impl CommandSink for Sink {
    fn output(&self, _stream: StreamName, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text: Arc<str> = self.redactor.clean(&text).into();
        let _ = self.listener.updates.send(Update::Output { call: self.call, text });
    }
}

/// What a task that carries out `effect` is.
pub(crate) const fn kind(effect: &Effect) -> TaskKind {
    match effect {
        Effect::Survey => TaskKind::Survey,
        Effect::AskModel { .. } => TaskKind::ModelCall,
        Effect::RunTool { .. } => TaskKind::ToolCall,
        Effect::WakeAt(_) => TaskKind::Alarm,
    }
}

/// The input that tells that carrying out `effect` panicked.
pub(crate) fn panicked(effect: &Effect, text: &str) -> Input {
    match effect {
        Effect::Survey => Input::Surveyed(bottega_event::Survey::default()),
        Effect::WakeAt(_) => Input::TimeUp(Vec::new()),
        Effect::AskModel { call, worst, .. } => Input::Failed(ModelFailed {
            call: *call,
            error: ModelError::new(ErrorKind::Internal, format!("the call broke down: {text}")),
            spent: *worst,
            unpriced: false,
            by: None,
        }),
        Effect::RunTool { call, request } => Input::ToolEnded(ToolReport {
            call: *call,
            outcome: ToolOutcome::Failed,
            summary: format!("{} broke down", request.name),
            text: format!("The tool broke down ({text}). Its work may be half done: look first."),
            full: None,
            changes: Vec::new(),
            unkept: None,
            exit_code: None,
            origins: Vec::new(),
            approved: Approved { verdict: Verdict::Allow, approval: None },
            elapsed_ms: 0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_event::ModelTiming;
    use bottega_llm::{Answer, Message, Role, Stop, Usage};
    use bottega_types::{Money, Secret};

    const CANARY: &str = "sk-canary-0123456789";

    /// Masks one thought of an answer.
    #[track_caller]
    fn check(text: &str, signature: &str, expected: (&str, Option<&str>)) {
        let thought = Part::Reasoning { text: text.into(), signature: Some(signature.into()) };
        let message = Message { role: Role::Assistant, parts: vec![thought] };
        let (model, stop, usage) = ("m".to_owned(), Stop::EndTurn, Usage::default());
        let answered = ModelAnswered {
            call: CallId::from_bits(1),
            by: "p/m".parse().unwrap(),
            answer: Answer { model, response_id: None, message, stop, usage },
            cost: Money::ZERO,
            unpriced: false,
            timing: ModelTiming::default(),
        };
        let redactor = Redactor::new([&Secret::new(CANARY.to_owned())]);
        let masked = masked(answered, &redactor).answer.message.parts.remove(0);
        let Part::Reasoning { text, signature } = masked else { panic!("{masked:?}") };
        assert_eq!((text.as_str(), signature.as_deref()), expected);
    }

    #[test]
    fn a_signature_vouches_for_no_other_words() {
        check("all is well", "signed", ("all is well", Some("signed")));
        check(&format!("use {CANARY}"), "signed", ("use [redacted]", None));
        check("all is well", &format!("signed {CANARY}"), ("all is well", None));
    }
}
