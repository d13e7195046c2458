//! `bottega resume`: go on.

use bottega_api::{ApiError, RunRequest, SessionState, codes};
use clap::Args;

use super::Desk;
use crate::approval;
use crate::follow::{Voice, conclude, follow};
use crate::report::Failure;
use crate::work::Work;

/// Go on with a session: with the work that was interrupted, or with a new task
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega resume                                 the last session of this folder
  bottega resume 7k2m9x                          the session whose id ends so
  bottega resume 7k2m9x --task \"also add a test\"")]
pub(crate) struct Arguments {
    /// The session: an id, its beginning or end, or `last`
    #[arg(value_name = "SESSION", default_value = "last")]
    session: String,

    /// What to do next; without it, interrupted work goes on
    #[arg(short, long)]
    task: Option<String>,

    /// Say nothing but the answer and errors
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    work: Work,
}

impl Arguments {
    pub(super) const fn work(&self) -> &Work {
        &self.work
    }
}

/// What the agent is told when work that ended early is to go on.
const GO_ON: &str = "Go on with the task where you stopped.";

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let Arguments { session, task, quiet, work } = arguments;
    let sessions = desk.entrance.sessions().await?;
    let session = sessions.find(&session).await?;
    let voice = match (desk.global.json, quiet) {
        (true, _) => Voice::Json,
        (false, true) => Voice::Quiet,
        (false, false) => Voice::People,
    };
    let state = sessions.show(session).await?.summary.state;
    let task = task.filter(|task| !task.trim().is_empty());
    let goes_on = task.is_none();
    let task = match (task, state) {
        (Some(task), _) => task,
        // Its process ended: what it had begun goes on as it was.
        (None, SessionState::Open) => String::new(),
        (None, SessionState::Failed) => GO_ON.to_owned(),
        (None, SessionState::Idle | SessionState::Done) => {
            let why = format!("{session} has no work to go on with");
            return Err(ApiError::new(codes::SESSION_STATE, why)
                .step(format!("give it a task: `bottega resume {session} --task …`"))
                .into());
        }
    };
    if voice != Voice::Quiet {
        desk.tell_notices()?;
    }
    let request = RunRequest { session: Some(session), goes_on, ..work.request(task) };
    let (approver, questions) = approval::desk(desk.terminal.can_ask() && voice == Voice::People);
    let run = if request.task.is_empty() {
        sessions.resume(request, approver).await?
    } else {
        sessions.run(request, approver).await?
    };
    let followed = follow(run, questions, voice, &mut desk.terminal).await?;
    Ok(conclude(&followed, voice, &mut desk.terminal))
}
