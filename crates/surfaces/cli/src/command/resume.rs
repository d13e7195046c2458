//! `bottega resume`: go on.

use bottega_api::SessionState;
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

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let Arguments { session, task, quiet, work } = arguments;
    let sessions = desk.entrance.sessions().await?;
    let session = sessions.find(&session).await?;
    let voice = match (desk.global.json, quiet) {
        (true, _) => Voice::Json,
        (false, true) => Voice::Quiet,
        (false, false) => Voice::People,
    };
    let task = task.filter(|task| !task.trim().is_empty());
    let mut request = work.request(task.clone().unwrap_or_default());
    request.session = Some(session);
    let (approver, questions) = approval::desk(desk.terminal.can_ask() && voice == Voice::People);
    let run = match task {
        Some(_) => sessions.run(request, approver).await?,
        None => {
            let before = sessions.show(session).await?;
            match before.summary.state {
                SessionState::Open | SessionState::Failed => {}
                SessionState::Idle | SessionState::Done => {
                    let why = format!("{session} has no work to go on with");
                    return Err(bottega_api::ApiError::new(bottega_api::codes::SESSION_STATE, why)
                        .step(format!("give it a task: `bottega resume {session} --task …`"))
                        .into());
                }
            }
            sessions.resume(request, approver).await?
        }
    };
    let followed = follow(run, questions, voice, &mut desk.terminal).await?;
    conclude(&followed, voice, &mut desk.terminal)
}
