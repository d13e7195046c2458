//! `bottega run`: one task, done here.

use std::path::{Path, PathBuf};

use bottega_api::{ApiError, codes};
use clap::Args;

use super::Desk;
use crate::approval;
use crate::follow::{Voice, conclude, follow};
use crate::report::{Failure, plain};
use crate::task;
use crate::work::Work;

/// Do one task here and print the answer
///
/// The answer alone goes to standard output, everything else to standard error. Without a terminal nothing is
/// ever asked: what needs approval is refused.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega run \"make the failing test pass\"
  bottega run -m local/qwen2.5-coder-1.5b -a auto \"rename Foo to Bar everywhere\"
  git diff | bottega run -f - \"review this change\"
  echo \"explain src/main.rs\" | bottega run
  bottega run --image screen.png \"why does the button overlap?\"
  bottega run --json \"count the tests\" | jq -r 'select(.type==\"ended\").answer'
  bottega run --output-schema schema.json \"list the public functions\"
  bottega run --continue \"now write the changelog entry\"")]
pub(crate) struct Arguments {
    /// What to do; `-`, or no task and piped input, reads it from standard input
    #[arg(value_name = "TASK")]
    task: Vec<String>,

    /// Attach a text file, an image or a PDF; `-` attaches standard input
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,

    /// Attach an image
    #[arg(long = "image", value_name = "PATH")]
    images: Vec<PathBuf>,

    /// Make the answer JSON that follows the JSON Schema in this file
    #[arg(long, value_name = "FILE")]
    output_schema: Option<PathBuf>,

    /// Say nothing but the answer and errors
    #[arg(short, long)]
    quiet: bool,

    /// Go on in this session: an id, or its beginning or end
    #[arg(short, long, value_name = "SESSION", conflicts_with = "last")]
    session: Option<String>,

    /// Go on in the last session of this folder
    #[arg(long = "continue")]
    last: bool,

    #[command(flatten)]
    work: Work,
}

impl Arguments {
    pub(super) const fn work(&self) -> &Work {
        &self.work
    }
}

pub(super) async fn execute(arguments: Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let Arguments { task, files, images, output_schema, quiet, session, last, work } = arguments;
    let schema = output_schema.as_deref().map(read_schema).transpose()?;
    let (task, attachments) = task::gather(&task, &files, &images, &mut desk.terminal).await?;
    let sessions = desk.entrance.sessions().await?;
    let mut request = work.request(task);
    request.attachments = attachments;
    request.output_schema = schema;
    request.session = match session.as_deref().or_else(|| last.then_some("last")) {
        Some(text) => Some(sessions.find(text).await?),
        None => None,
    };
    let voice = match (desk.global.json, quiet) {
        (true, _) => Voice::Json,
        (false, true) => Voice::Quiet,
        (false, false) => Voice::People,
    };
    if voice != Voice::Quiet {
        desk.tell_notices()?;
    }
    let can_ask = desk.terminal.can_ask() && voice == Voice::People;
    let (approver, mut questions) = approval::desk(can_ask);
    let run = match sessions.run(request.clone(), approver).await {
        Err(error) if can_ask && super::model::is_missing(&error, &request) => {
            super::model::offer(error, desk).await?;
            let (approver, desk) = approval::desk(can_ask);
            questions = desk;
            sessions.run(request, approver).await?
        }
        other => other?,
    };
    let followed = follow(run, questions, voice, &mut desk.terminal).await?;
    Ok(conclude(&followed, voice, &mut desk.terminal))
}

fn read_schema(path: &Path) -> Result<serde_json::Value, Failure> {
    let refuse = |why: String| {
        let step = "give a file that holds one JSON Schema, as in {\"type\":\"object\"}";
        ApiError::new(codes::FILE, format!("`{}`: {why}", path.display())).step(step)
    };
    let bytes = std::fs::read(path).map_err(|error| refuse(plain(&error)))?;
    let schema: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| refuse(format!("this is not JSON: {error}")))?;
    if !schema.is_object() {
        return Err(refuse("a JSON Schema for an answer is an object".to_owned()).into());
    }
    // Before anything is asked and paid for.
    if let Err(error) = jsonschema::validator_for(&schema) {
        return Err(refuse(format!("this is no valid JSON Schema: {error}")).into());
    }
    Ok(schema)
}
