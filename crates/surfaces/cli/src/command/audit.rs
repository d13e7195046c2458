//! `bottega audit`: the journal's chain.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use bottega_api::{ApiError, AuditReport, codes};
use bottega_client::Sessions;
use clap::{Args, Subcommand};
use futures::stream::BoxStream;

use super::Desk;
use crate::figures;
use crate::report::{Failure, Form, plain};
use crate::terminal::{Interrupt, Terminal};

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
    /// Verify every record and every blob, and name the first broken one; exit code 1 when there is one
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
    let live = desk.terminal.err_is_screen() && desk.form() == Form::People;
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
        desk.terminal.note("\r\u{1b}[2K");
    }
    let report = verified.ok_or(Failure::Silent(codes::INTERRUPTED.exit))??;
    desk.show(&report, |_| {
        let count = figures::counted(report.verified, "record", "records");
        match (&report.broken, report.broken_at) {
            (None, _) => {
                let blobs = blobs(&report);
                format!("{count} verified, nothing broken\nhead {}\n{blobs}\n", report.head)
            }
            (Some(_), None) => {
                format!("{count} verified, the file around them is damaged\nhead {}\n", report.head)
            }
            (Some(_), Some(_)) => {
                format!("{count} verified before the first broken one\nlast good {}\n", report.head)
            }
        }
    })?;
    match report.broken {
        None => match report.damaged_blobs.first() {
            None => Ok(0),
            Some(first) => {
                let count = figures::counted(report.damaged_blobs.len() as u64, "blob", "blobs");
                let why = format!("{count} not what was kept: {first} is the first");
                Err(ApiError::new(codes::DAMAGED, why).into())
            }
        },
        Some(why) => Err(ApiError::new(codes::DAMAGED, why).into()),
    }
}

/// What became of the blobs, in a line.
fn blobs(report: &AuditReport) -> String {
    let mut told = vec![format!("{} verified", figures::counted(report.blobs, "blob", "blobs"))];
    let others = [
        (report.damaged_blobs.len() as u64, "damaged"),
        (report.missing_blobs, "missing"),
        (report.forgotten_blobs, "forgotten with removed sessions"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    told.extend(others.map(|(count, what)| format!("{} {what}", figures::grouped(count))));
    told.join(", ")
}

async fn export(file: Option<PathBuf>, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let sessions = desk.entrance.sessions().await?;
    let sessions = sessions.as_ref();
    let Terminal { out, interrupts, .. } = &mut desk.terminal;
    let Some(path) = file.filter(|path| path.as_os_str() != "-") else {
        let written = write(sessions, out.as_mut(), interrupts).await?;
        return written.map(|_| 0).map_err(Failure::Output);
    };
    let told = |code, error: &std::io::Error| {
        Failure::from(ApiError::new(code, format!("`{}`: {}", path.display(), plain(error))))
    };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = file.map_err(|error| told(codes::FILE, &error))?;
    let written = write(sessions, &mut file, interrupts).await;
    if !matches!(written, Ok(Ok(_))) {
        // Half an export would pass for a whole one; where it can't be taken away it stays.
        let _ = std::fs::remove_file(&path);
    }
    let written = written?.map_err(|error| told(codes::OUTPUT, &error))?;
    let view = serde_json::json!({ "records": written, "file": path.display().to_string() });
    desk.show(&view, |_| {
        format!(
            "{} written to {}\n",
            figures::counted(written, "record", "records"),
            path.display()
        )
    })
}

/// Writes every record; the inner error is the writer's.
async fn write(
    sessions: &dyn Sessions,
    to: &mut (dyn Write + Send),
    interrupts: &mut BoxStream<'static, Interrupt>,
) -> Result<std::io::Result<u64>, Failure> {
    let mut to = Watched { to, refused: None };
    let written = Terminal::unless_interrupted(interrupts, sessions.export_all(&mut to)).await;
    let written = written.ok_or(Failure::Silent(codes::INTERRUPTED.exit))?;
    match to.refused {
        Some(error) => Ok(Err(error)),
        None => Ok(Ok(written?)),
    }
}

/// A writer that keeps the reason why it refused, so that a reader who left is told from a journal that failed.
struct Watched<'w> {
    to: &'w mut (dyn Write + Send),
    refused: Option<std::io::Error>,
}

impl Watched<'_> {
    fn note<T>(&mut self, done: std::io::Result<T>) -> std::io::Result<T> {
        done.map_err(|error| {
            if error.kind() == std::io::ErrorKind::Interrupted {
                // It is tried again.
                return error;
            }
            let same = error.kind().into();
            self.refused = Some(error);
            same
        })
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let done = self.to.write(bytes);
        self.note(done)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let done = self.to.flush();
        self.note(done)
    }
}
