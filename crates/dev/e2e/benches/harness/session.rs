//! One session of an agent with a scripted model, and what was seen of it.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bottega_testkit::{Asked, Saying, ScriptedServer, Serving};

use crate::Failure;
use crate::agent::Agent;
use crate::calling::{self, Step};
use crate::costs::{self, Costs};
use crate::home::Home;

/// What every agent is told.
pub(crate) const TASK: &str = "Do what is to be done.";

/// What was seen of a session.
pub(crate) struct Session {
    pub(crate) costs: Costs,
    /// Milliseconds from the start of the command to the first request.
    pub(crate) to_first: f64,
    /// Milliseconds from the end of each answer that called a tool to the next request.
    pub(crate) gaps: Vec<f64>,
    /// Bytes of the first request's body.
    pub(crate) first_request: usize,
}

/// A model that takes these steps and then says that it is done.
pub(crate) struct Model {
    server: ScriptedServer,
    played: Arc<Mutex<Played>>,
}

struct Question {
    number: usize,
    arrived: Instant,
    bytes: usize,
}

/// What the model was asked for.
#[derive(Default)]
struct Played {
    /// The latest question of each turn.
    questions: Vec<Question>,
    /// Answers of a model in the first question: some begin with one that they made up.
    before: Option<usize>,
    /// Why a step could not be taken.
    missing: Option<&'static str>,
}

impl Model {
    /// Starts its server, for a session that begins.
    pub(crate) fn new(agent: &Agent, steps: Vec<Step>) -> Result<Self, Failure> {
        Self::with(agent, steps, Played::default())
    }

    /// The same for a session that goes on where it was.
    pub(crate) fn going_on(agent: &Agent, steps: Vec<Step>) -> Result<Self, Failure> {
        Self::with(agent, steps, Played { before: Some(0), ..Played::default() })
    }

    fn with(agent: &Agent, steps: Vec<Step>, played: Played) -> Result<Self, Failure> {
        let played = Arc::new(Mutex::new(played));
        let (calls_tools, book) = (agent.setup.calls_tools, Arc::clone(&played));
        let server = ScriptedServer::start(move |asked| {
            // Titles, summaries and the like: asked beside the work, and not what is measured.
            if calls_tools && !asked.has_tools() {
                return Saying::text("Work").into();
            }
            book.lock().unwrap_or_else(PoisonError::into_inner).play(asked, &steps)
        })?;
        Ok(Self { server, played })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Runs a command that works with this model to its end.
    pub(crate) fn watch(self, command: &Command, home: &Home) -> Result<Session, Failure> {
        let costs = costs::of(command, home.workspace().parent().unwrap_or(&home.workspace()))?;
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(missing) = played.missing.take() {
            return Err(missing.into());
        }
        let questions = std::mem::take(&mut played.questions);
        drop(played);
        let first = questions.first().ok_or("it asked nothing")?;
        let mut gaps = Vec::new();
        for pair in questions.windows(2) {
            let ended = self.server.ended(pair[0].number).ok_or("an answer did not end")?;
            gaps.push(between(ended, pair[1].arrived));
        }
        let (to_first, first_request) = (between(costs.started, first.arrived), first.bytes);
        Ok(Session { costs, to_first, gaps, first_request })
    }
}

impl Played {
    fn play(&mut self, asked: &Asked, steps: &[Step]) -> Serving {
        let before = *self.before.get_or_insert(asked.turn);
        let turn = asked.turn.saturating_sub(before);
        // Some ask once more whether the work is really done.
        if turn > steps.len() {
            return Saying::text("It is.").into();
        }
        // After a resume the first question is at a later turn.
        let at = turn.min(self.questions.len());
        self.questions.truncate(at);
        let (number, arrived, bytes) = (asked.number, asked.arrived, asked.raw.len());
        self.questions.push(Question { number, arrived, bytes });
        let Some(step) = steps.get(turn) else {
            return Saying::text("All is done.").into();
        };
        let Some(saying) = calling::saying(asked, step) else {
            self.missing = Some(match step {
                Step::Shell(_) => "it declares no tool that runs a command",
                Step::Read { .. } => "it declares no tool that reads a file",
            });
            return Saying::text("I can't.").into();
        };
        saying.into()
    }
}

fn between(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e3
}

/// Runs a session of these steps.
pub(crate) fn run(agent: &Agent, home: &Home, steps: Vec<Step>) -> Result<Session, Failure> {
    let turns = steps.len();
    let model = Model::new(agent, steps)?;
    let command = agent.task(home, &model.url(), TASK)?;
    let session = model.watch(&command, home)?;
    if agent.setup.calls_tools && session.gaps.len() != turns {
        return Err(format!("it took {} turns instead of {turns}", session.gaps.len()).into());
    }
    Ok(session)
}

/// `count` steps that run a command, each another one.
pub(crate) fn echoes(count: usize) -> Vec<Step> {
    (0..count).map(|turn| Step::shell(format!("echo {turn}"))).collect()
}

/// `count` steps that read from a file, each from another line, 250 at most. Early and late ones are equally deep in
/// the file.
pub(crate) fn reads(home: &Home, count: usize) -> Vec<Step> {
    let path = home.workspace().join("long.txt").to_string_lossy().into_owned();
    let place = |turn: usize| turn * 89 % 250;
    (0..count).map(|turn| Step::Read { path: path.clone(), from: 1 + place(turn) * 20 }).collect()
}
