//! `bottega undo`: take back what the agent changed.

use clap::Args;

use super::Desk;
use crate::report::Failure;

/// Take back the file changes of a session; what you changed since is left alone
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega undo                 all that the last session of this folder changed
  bottega undo --steps 1       its last change alone
  bottega undo 7k2m9x          what the session whose id ends so changed

Not covered: what lies in folders that ignore files name (build outputs), what git itself
keeps, and, told when it happened, files over 8 MiB and what jobs in the background did.
Then the exit code is 1.")]
pub(crate) struct Arguments {
    /// The session: an id, its beginning or end, or `last`
    #[arg(value_name = "SESSION", default_value = "last")]
    session: String,

    /// Only the last N calls that changed files
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
}

/// The exit code when something of the session could not be taken back.
pub(super) const NOT_WHOLE: u8 = 1;

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let sessions = desk.entrance.sessions().await?;
    let session = sessions.find(&arguments.session).await?;
    let undone = sessions.undo(session, arguments.steps).await?;
    desk.show(&undone, |terminal| super::sessions::undone(&undone, terminal.out_paint()))?;
    Ok(if undone.is_whole() { 0 } else { NOT_WHOLE })
}
