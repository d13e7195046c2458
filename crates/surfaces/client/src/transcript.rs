//! A session's history, for reading.

use bottega_api::{ChangeView, TranscriptEntry};
use bottega_event::SessionEvent;
use bottega_llm::Part;
use bottega_platform::{Happened, plan_undo};
use bottega_store::{Blobs, StoreError};
use bottega_types::Digest;

use crate::ending::ending;
use crate::translate::outcome;

/// One entry an event, numbered over the whole history.
pub(crate) fn transcript(history: &[Happened]) -> Vec<TranscriptEntry> {
    (1..)
        .zip(history)
        .map(|(place, happened)| {
            let (title, body) = tell(&happened.event);
            TranscriptEntry {
                revision: place,
                at_ms: happened.at.as_millis(),
                kind: happened.event.kind().to_owned(),
                title,
                body,
            }
        })
        .collect()
}

fn tell(event: &SessionEvent) -> (String, String) {
    match event {
        SessionEvent::Started(started) => (
            format!(
                "{} began with {} in access mode {}",
                started.agent, started.model.route, started.mode
            ),
            String::new(),
        ),
        SessionEvent::Rerouted(to) => {
            (format!("goes on with {} in access mode {}", to.model.route, to.mode), String::new())
        }
        SessionEvent::Surveyed(survey) => {
            let files: Vec<&str> =
                survey.instructions.iter().map(|(path, _)| path.as_str()).collect();
            let told =
                if files.is_empty() { "no instructions".to_owned() } else { files.join(", ") };
            (format!("looked over the workspace: {told}"), survey.map.clone())
        }
        SessionEvent::Tasked(task) => ("task".to_owned(), task.text.clone()),
        SessionEvent::Stepped(_) => ("took a step by itself".to_owned(), String::new()),
        SessionEvent::Rewound(rewound) => (
            format!("went back to message {} to try another way", rewound.kept),
            rewound.note.clone(),
        ),
        SessionEvent::ModelAsked(asked) => {
            (format!("asked the model for at most {} tokens", asked.max_output), String::new())
        }
        SessionEvent::ModelAnswered(answered) => {
            let usage = answered.answer.usage;
            let cost = if answered.unpriced {
                "cost unknown".to_owned()
            } else {
                answered.cost.to_string()
            };
            let title = format!(
                "{} answered: {} tokens read ({} cached), {} written, {cost}, {:.1} s",
                answered.by,
                usage.input,
                usage.cached,
                usage.output,
                answered.timing.total_ms as f64 / 1_000.0
            );
            (title, answered.answer.message.parts.iter().map(part).collect::<Vec<_>>().join("\n"))
        }
        SessionEvent::ModelFailed(failed) => {
            (format!("no answer: {}", failed.error), String::new())
        }
        SessionEvent::ToolStarted(started) => {
            (format!("calls {}", started.request.name), started.request.arguments.clone())
        }
        SessionEvent::ToolFinished(report) => {
            (format!("{}: {}", outcome(report.outcome), report.summary), report.text.clone())
        }
        SessionEvent::Compacted(compacted) => (
            format!("shortened the history, kept the last {} messages", compacted.kept),
            compacted.summary.clone(),
        ),
        SessionEvent::Nudged(nudged) => ("told the model".to_owned(), nudged.text.clone()),
        SessionEvent::Undone(undone) => {
            (format!("changes taken back: {}", undone.paths.join(", ")), String::new())
        }
        SessionEvent::Ended(ended) => {
            let (word, why) = ending(&ended.how);
            let word = format!("{word:?}").to_lowercase();
            let title = match why.filter(|why| *why != word) {
                Some(why) => format!("ended: {word}: {why}"),
                None => format!("ended: {word}"),
            };
            (title, ended.answer.clone())
        }
        SessionEvent::Removed(_) => ("removed".to_owned(), String::new()),
    }
}

fn part(part: &Part) -> String {
    match part {
        Part::Text { text } => text.clone(),
        Part::Reasoning { text, .. } => format!("(reasoning) {text}"),
        Part::ToolCall(call) => format!("→ {} {}", call.name, call.arguments),
        Part::ToolResult(result) => result.text.clone(),
        Part::Media(media) => format!("({})", media.media_type),
    }
}

/// The files that a session changed, with their diffs as far as the blobs are kept.
pub(crate) async fn changes(
    history: &[Happened],
    blobs: &dyn Blobs,
) -> Result<Vec<ChangeView>, StoreError> {
    let mut views = Vec::new();
    for restore in plan_undo(history, None) {
        let before = text(blobs, restore.before).await?;
        let after = text(blobs, restore.now).await?;
        let diff = before.zip(after).map(|(before, after)| {
            similar::TextDiff::from_lines(&before, &after)
                .unified_diff()
                .context_radius(3)
                .header(&format!("a/{}", restore.path), &format!("b/{}", restore.path))
                .to_string()
        });
        views.push(ChangeView { path: restore.path, diff });
    }
    Ok(views)
}

/// A version's text: empty where there is no file, nothing where it is no text or was forgotten.
async fn text(blobs: &dyn Blobs, digest: Option<Digest>) -> Result<Option<String>, StoreError> {
    let Some(digest) = digest else { return Ok(Some(String::new())) };
    Ok(blobs.get(digest).await?.and_then(|bytes| String::from_utf8(bytes).ok()))
}
