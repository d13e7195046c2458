//! An agent that does what its task says: `ask`, `call WORDS`, `say N`, `panic`.

use std::sync::{Arc, Mutex};

use bottega_behaviour::{Behaviour, Effect, Input, Refusal, call_id};
use bottega_event::{
    EndKind, Ended, ModelAsked, Nudged, Purpose, SessionEvent, Started, Tasked, ToolStarted,
};
use bottega_llm::{ChatRequest, Message, ToolCall};
use bottega_policy::Spent;
use bottega_types::{CallId, Money, SessionId, Timestamp, Tokens};

/// An agent that does what its task says, and shows what it was given.
#[derive(Default)]
pub(crate) struct Worker {
    pub(crate) tasks: Arc<Mutex<Vec<Tasked>>>,
}

#[derive(Default)]
pub(crate) struct State {
    started: Option<Started>,
    asked: Option<CallId>,
    open: Vec<(CallId, ToolCall)>,
    calls: u64,
    working: bool,
}

/// Covers one attempt at the question of these tests, and not two.
pub(crate) fn worst() -> Spent {
    Spent { tokens: Tokens::new(1_200), money: Money::from_nanos(1_300_000) }
}

impl State {
    fn next(&self, offset: u64) -> CallId {
        let session = self.started.as_ref().map(|started| started.session);
        call_id(session.unwrap_or(SessionId::from_bits(0)), self.calls + offset)
    }

    fn ask(&self) -> SessionEvent {
        let (call, purpose) = (self.next(0), Purpose::Turn);
        ModelAsked { call, purpose, max_output: 100, worst: worst() }.into()
    }
}

fn end() -> SessionEvent {
    let began = Timestamp::from_millis(0);
    Ended { how: EndKind::Done, answer: String::new(), began }.into()
}

impl Behaviour for Worker {
    type State = State;

    fn initial(&self) -> State {
        State::default()
    }

    fn evolve(&self, state: &mut State, event: &SessionEvent, _at: Timestamp) {
        match event {
            SessionEvent::Started(started) => {
                *state = State { started: Some(started.clone()), ..State::default() };
            }
            SessionEvent::Tasked(task) => {
                state.working = true;
                self.tasks.lock().unwrap().push(task.clone());
            }
            SessionEvent::ModelAsked(asked) => {
                state.calls += 1;
                state.asked = Some(asked.call);
            }
            SessionEvent::ModelAnswered(_) | SessionEvent::ModelFailed(_) => state.asked = None,
            SessionEvent::ToolStarted(started) => {
                state.calls += 1;
                state.open.push((started.call, started.request.clone()));
            }
            SessionEvent::ToolFinished(report) => {
                state.open.retain(|(call, _)| *call != report.call);
            }
            SessionEvent::Ended(_) => state.working = false,
            SessionEvent::Rerouted(_)
            | SessionEvent::Surveyed(_)
            | SessionEvent::Stepped(_)
            | SessionEvent::Rewound(_)
            | SessionEvent::Compacted(_)
            | SessionEvent::Nudged(_)
            | SessionEvent::Undone(_)
            | SessionEvent::Removed(_) => {}
        }
    }

    fn decide(
        &self,
        state: &State,
        input: Input,
        _now: Timestamp,
    ) -> Result<Vec<SessionEvent>, Refusal> {
        Ok(match input {
            Input::Start(started) => vec![started.into()],
            Input::Task(_) if state.working => return Err(Refusal::Busy),
            Input::Task(task) => {
                let words: Vec<String> = task.text.split(' ').map(str::to_owned).collect();
                let mut events = vec![SessionEvent::from(task)];
                match words[0].as_str() {
                    "ask" => events.push(state.ask()),
                    "call" => events.extend(words[1..].iter().zip(0..).map(|(word, n)| {
                        let (name, arguments) = word.split_once('=').unwrap_or((word, ""));
                        let arguments = serde_json::json!({ "path": arguments }).to_string();
                        let request =
                            ToolCall { id: format!("c{n}"), name: name.to_owned(), arguments };
                        SessionEvent::from(ToolStarted { call: state.next(n), request })
                    })),
                    "say" => {
                        let count = words[1].parse::<usize>().unwrap();
                        let said = |n: usize| SessionEvent::from(Nudged { text: n.to_string() });
                        events.extend((0..count).map(said));
                        events.push(end());
                    }
                    "panic" => panic!("told to break"),
                    other => panic!("{other}"),
                }
                events
            }
            Input::Answered(answered) => vec![answered.into(), end()],
            Input::Failed(failed) => vec![failed.into(), state.ask()],
            Input::ToolEnded(report) if state.open.len() == 1 => vec![report.into(), end()],
            Input::ToolEnded(report) => vec![report.into()],
            Input::Resume(to) | Input::Reroute(to) => vec![to.into()],
            Input::Undone(undone) => vec![undone.into()],
            Input::Surveyed(_) | Input::Compact => Vec::new(),
            Input::TimeUp(reports) | Input::Interrupt(reports) => {
                reports.into_iter().map(SessionEvent::from).collect()
            }
        })
    }

    fn outstanding(&self, state: &State) -> Vec<Effect> {
        let asked = state.asked.map(|call| Effect::AskModel {
            call,
            route: String::new(),
            request: Arc::new(ChatRequest {
                max_output: Some(100),
                ..ChatRequest::new("", vec![Arc::new(Message::user("what?"))])
            }),
            worst: worst(),
        });
        let tools = state
            .open
            .iter()
            .map(|(call, request)| Effect::RunTool { call: *call, request: request.clone() });
        asked.into_iter().chain(tools).collect()
    }
}
