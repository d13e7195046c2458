//! `bottega sessions`: looking back, and back again.

mod told;

use bottega_client::Sessions;
use clap::{Args, Subcommand};

use super::Desk;
use crate::figures;
use crate::report::Failure;

pub(super) use told::undone;

/// List, read, fork, undo, export and remove sessions
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega sessions list                 of this folder
  bottega sessions show                 the last one: what happened and changed
  bottega sessions undo --steps 1       take back the last change
  bottega sessions fork 7k2m9x --at 12  a new session from that moment
  bottega sessions export 7k2m9x > session.jsonl

SESSION is an id, its beginning or end, or `last`.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The sessions of this folder, the latest first
    List {
        /// Of all folders
        #[arg(short, long)]
        all: bool,
        /// At most so many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// One session: what happened, what changed, what it cost
    Show {
        /// The session
        #[arg(value_name = "SESSION", default_value = "last")]
        session: String,
        /// Every line, however long
        #[arg(long)]
        full: bool,
    },
    /// A new session with the same history
    Fork {
        /// The session
        #[arg(value_name = "SESSION", default_value = "last")]
        session: String,
        /// Only up to this place, as `show` numbers them
        #[arg(long, value_name = "REVISION")]
        at: Option<u64>,
    },
    /// Take back the file changes of a session; what you changed since is left alone
    Undo {
        /// The session
        #[arg(value_name = "SESSION", default_value = "last")]
        session: String,
        /// Only the last so many changes
        #[arg(long, value_name = "N")]
        steps: Option<usize>,
    },
    /// Every record of a session, each a line of JSON
    Export {
        /// The session
        #[arg(value_name = "SESSION", default_value = "last")]
        session: String,
    },
    /// Take sessions out of the lists, and remove the files they kept; their records stay in the journal
    Rm {
        /// The sessions
        #[arg(value_name = "SESSION", required = true)]
        sessions: Vec<String>,
    },
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let sessions = desk.entrance.sessions().await?;
    let sessions = sessions.as_ref();
    match arguments.what {
        What::List { all, limit } => list(sessions, all, limit, desk).await,
        What::Show { session, full } => {
            let detail = sessions.show(sessions.find(&session).await?).await?;
            desk.show(&detail, |terminal| told::detail(&detail, full, terminal))
        }
        What::Fork { session, at } => {
            let fork = sessions.fork(sessions.find(&session).await?, at).await?;
            desk.show(&fork, |_| format!("{}\n", fork.id))
        }
        What::Undo { session, steps } => {
            let undone = sessions.undo(sessions.find(&session).await?, steps).await?;
            desk.show(&undone, |terminal| told::undone(&undone, terminal.out_paint()))?;
            Ok(if undone.is_whole() { 0 } else { super::undo::NOT_WHOLE })
        }
        What::Export { session } => {
            for line in sessions.export(sessions.find(&session).await?).await? {
                desk.terminal.out.write_all(line.trim_end().as_bytes())?;
                desk.terminal.out.write_all(b"\n")?;
            }
            desk.terminal.out.flush()?;
            Ok(0)
        }
        What::Rm { sessions: names } => remove(sessions, &names, desk).await,
    }
}

async fn list(
    sessions: &dyn Sessions,
    all: bool,
    limit: usize,
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    let here = desk.here()?;
    let list = sessions.list((!all).then_some(here.as_path()), limit).await?;
    desk.show(&list, |terminal| told::list(&list, all, terminal))
}

async fn remove(
    sessions: &dyn Sessions,
    names: &[String],
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    // All names are looked up first: a slip in one removes none.
    let mut found = Vec::new();
    for name in names {
        let session = sessions.find(name).await?;
        // One session may be named twice, as in `last last`.
        if !found.contains(&session) {
            found.push(session);
        }
    }
    for session in &found {
        sessions.remove(*session).await?;
    }
    let ids: Vec<String> = found.iter().map(ToString::to_string).collect();
    desk.show(&ids, |_| {
        format!("{} removed\n", figures::counted(ids.len() as u64, "session", "sessions"))
    })
}
