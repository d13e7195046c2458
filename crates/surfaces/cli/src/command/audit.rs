//! `bottega audit`: the journal's chain.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

use bottega_api::{ApiError, codes};
use clap::{Args, Subcommand};

use super::Desk;
use crate::figures;
use crate::report::{Failure, Form};
use crate::terminal::Terminal;

/// Verify the journal's chain of hashes, or export it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega audit verify
  bottega audit export journal.jsonl
  bottega audit export | jq .kind | sort | uniq -c")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Verify every record and name the first broken one; exit code 1 when there is one
    Verify,
    /// Write every record as a line of JSON
    Export {
        /// The file; standard output when absent. An existing file is not overwritten
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    match arguments.what {
        What::Verify => verify(desk).await,
        What::Export { file } => export(file, desk).await,
    }
}

/// Records between two words about the progress.
const STRIDE: u64 = 10_000;

async fn verify(desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let sessions = desk.entrance.sessions().await?;
    let live = desk.terminal.stderr_is_terminal && desk.form() == Form::People;
    let Terminal { err, interrupts, .. } = &mut desk.terminal;
    let (verified, drawn) = {
        let last = Mutex::new((0, err));
        let progress = |verified: u64| {
            // Progress is a courtesy: neither a full pipe nor a poisoned lock may stop an audit.
            let Ok(mut last) = last.lock() else { return };
            if live && verified >= last.0 + STRIDE {
                last.0 = verified;
                let _ =
                    write!(last.1, "\r\u{1b}[2Kverified {} records", figures::grouped(verified));
                let _ = last.1.flush();
            }
        };
        let verified = Terminal::unless_interrupted(interrupts, sessions.verify(&progress)).await;
        (verified, last.into_inner().is_ok_and(|last| last.0 > 0))
    };
    if drawn {
        desk.terminal.note("\r\u{1b}[2K")?;
    }
    let report = verified.ok_or(Failure::Silent(codes::INTERRUPTED.exit))??;
    desk.show(&report, |_| {
        let count = figures::counted(report.verified, "record", "records");
        match &report.broken {
            None => format!("{count} verified, nothing broken\nhead {}\n", report.head),
            Some(_) => {
                format!("{count} verified before the first broken one\nlast good {}\n", report.head)
            }
        }
    })?;
    match report.broken {
        None => Ok(0),
        Some(why) => Err(ApiError::new(codes::DAMAGED, why).into()),
    }
}

async fn export(file: Option<PathBuf>, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let sessions = desk.entrance.sessions().await?;
    let Some(path) = file.filter(|path| path.as_os_str() != "-") else {
        let Terminal { out, interrupts, .. } = &mut desk.terminal;
        let written = sessions.export_all(out.as_mut());
        let written = Terminal::unless_interrupted(interrupts, written).await;
        written.ok_or(Failure::Silent(codes::INTERRUPTED.exit))??;
        desk.terminal.out.flush()?;
        return Ok(0);
    };
    let refuse = |error: std::io::Error| {
        Failure::from(ApiError::new(codes::FILE, format!("`{}`: {error}", path.display())))
    };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = std::io::BufWriter::new(file.map_err(refuse)?);
    let Terminal { interrupts, .. } = &mut desk.terminal;
    let written = Terminal::unless_interrupted(interrupts, sessions.export_all(&mut file)).await;
    let written = written.ok_or(Failure::Silent(codes::INTERRUPTED.exit))??;
    file.flush().map_err(refuse)?;
    let told = serde_json::json!({ "records": written, "file": path.display().to_string() });
    desk.show(&told, |_| {
        format!(
            "{} written to {}\n",
            figures::counted(written, "record", "records"),
            path.display()
        )
    })
}
