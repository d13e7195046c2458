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
    /// A step for which the agent declared no tool.
    missing: Option<String>,
}

impl Model {
    /// Starts its server.
    pub(crate) fn new(agent: &Agent, steps: Vec<Step>) -> Result<Self, Failure> {
        let played = Arc::new(Mutex::new(Played::default()));
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
        // After a resume the first question is at a later turn.
        let at = asked.turn.min(self.questions.len());
        self.questions.truncate(at);
        let (number, arrived, bytes) = (asked.number, asked.arrived, asked.raw.len());
        self.questions.push(Question { number, arrived, bytes });
        let Some(step) = steps.get(asked.turn) else {
            return Saying::text("All is done.").into();
        };
        calling::saying(asked, step)
            .unwrap_or_else(|| {
                self.missing = Some(format!("it declares no tool for {step:?}"));
                Saying::text("I can't.")
            })
            .into()
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

/// `count` steps that read from a file, each from another line.
pub(crate) fn reads(home: &Home, count: usize) -> Vec<Step> {
    let path = home.workspace().join("long.txt").to_string_lossy().into_owned();
    (0..count).map(|turn| Step::Read { path: path.clone(), from: 1 + turn * 20 }).collect()
}
