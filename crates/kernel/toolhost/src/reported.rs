//! The last step: what is kept, and what the model reads.

use bottega_event::{Approved, ToolOutcome, ToolReport};
use bottega_policy::{Approval, Origin, Verdict};
use bottega_store::Blobs;
use bottega_tool::{
    CommandChanges, FileChange, ToolOutput, WorkspaceError, excerpt, plain, spelled,
};
use bottega_types::{CallId, Digest, Redactor};

use crate::ran::{Gave, Ran};
use crate::stopped::Stopped;
use crate::untrusted::marked;

/// Bytes of a summary at most.
const LONGEST_SUMMARY: usize = 200;
const STOPPED: &str = "Stopped before it ended; it may have done part of its work.";
const HINT: &str = "call the tool again for a smaller part to see more";

/// Adds what a command changed to what its tool told. Returns what undo can't take back, and why.
fn add(
    changes: &mut Vec<FileChange>,
    commanded: Result<CommandChanges, WorkspaceError>,
) -> Option<String> {
    let commanded = match commanded {
        Ok(commanded) => commanded,
        Err(error) => return Some(format!("what the command changed is not known: {error}")),
    };
    let told: Vec<String> = changes.iter().map(|change| change.path.clone()).collect();
    changes.extend(commanded.changes.into_iter().filter(|change| !told.contains(&change.path)));
    let names = commanded.named.join(", ");
    (commanded.not_kept > 0).then(|| {
        let files = commanded.not_kept;
        format!(
            "changed files that can't be kept for undo, by their size or kind ({files}): {names}"
        )
    })
}

/// A file that was written has its bytes under one name: the others may be in a store that must not change.
fn parted(change: &FileChange) -> String {
    let (path, names) = (&change.path, change.parted);
    format!("{path} had other names (hard links: {names}); they keep the earlier content")
}

/// Makes reports: keeps what is too large for them, takes out what must not be in them.
pub(crate) struct Recorder<'h> {
    pub(crate) call: CallId,
    pub(crate) blobs: &'h dyn Blobs,
    pub(crate) redactor: &'h Redactor,
    pub(crate) limit: usize,
}

/// What the model reads of an output, and where the whole is.
struct Bounded {
    text: String,
    full: Option<Digest>,
}

impl Recorder<'_> {
    /// The report of a call whose tool ran.
    pub(crate) async fn ran(&self, ran: Ran) -> ToolReport {
        let Ran { summary, record, gave, commanded, origins, elapsed } = ran;
        let (outcome, output) = match gave {
            Gave::Output(output) if output.failed => (ToolOutcome::CommandFailed, output),
            Gave::Output(output) => (ToolOutcome::Succeeded, output),
            Gave::Error(error) => (ToolOutcome::Failed, ToolOutput::text(error.to_string())),
            Gave::Panic(text) => (ToolOutcome::Failed, ToolOutput::text(text)),
            Gave::Stopped => (ToolOutcome::Interrupted, ToolOutput::text(STOPPED)),
        };
        let ToolOutput { text, full, failed: _, mut changes, unkept, exit_code, verbatim } = output;
        let parted = changes.iter().filter(|change| change.parted > 0).map(parted);
        let parted: Vec<String> = parted.map(|parted| self.clean(&parted)).collect();
        let own = unkept.map(|unkept| self.clean(&unkept));
        let unkept = add(&mut changes, commanded).map(|unkept| self.clean(&unkept));
        let lost = self.keep_versions(&mut changes).await;
        // Without terminal control sequences, then without secrets: a sequence may stand in a secret's middle.
        let text = if verbatim { text.into() } else { plain(&text) };
        let full = full.as_deref().map(plain);
        let Bounded { mut text, full } = self.bounded(&text, full.as_deref()).await;
        text = marked(&text, &origins);
        text.extend(parted.iter().map(|parted| format!("\n[{parted}]")));
        if let Some(unkept) = &unkept {
            text.push_str(&format!("\n[{unkept}]"));
        }
        let outcome = match lost {
            None => outcome,
            Some(why) => {
                text.push_str(&format!(
                    "\n[the files were changed, but their earlier versions could not be kept for undo: {why}]"
                ));
                ToolOutcome::Failed
            }
        };
        ToolReport {
            call: self.call,
            outcome,
            summary: self.summary(&summary),
            text,
            full,
            changes,
            unkept: unkept.or(own),
            exit_code,
            origins: origins.into_iter().map(|origin| self.origin(origin)).collect(),
            approved: self.record(record),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The report of a call that ended before its tool ran.
    pub(crate) async fn stopped(&self, stopped: Stopped) -> ToolReport {
        let Stopped { outcome, summary, text, approved } = stopped;
        let Bounded { text, full } = self.bounded(&plain(&text), None).await;
        ToolReport {
            call: self.call,
            outcome,
            summary: self.summary(&summary),
            text,
            full,
            changes: Vec::new(),
            unkept: None,
            exit_code: None,
            origins: Vec::new(),
            approved: self.record(approved),
            elapsed_ms: 0,
        }
    }

    /// The origin, without known secrets.
    fn origin(&self, origin: Origin) -> Origin {
        match origin {
            Origin::Host { host } => Origin::Host { host: self.clean(&host) },
            Origin::File { path } => Origin::File { path: self.clean(&path) },
        }
    }

    /// Puts both versions of each changed file into the blobs and lets go of the bytes. Returns why that
    /// failed, if it did.
    async fn keep_versions(&self, changes: &mut [FileChange]) -> Option<String> {
        let mut lost = None;
        for change in changes {
            for bytes in
                [change.before_bytes.take(), change.after_bytes.take()].into_iter().flatten()
            {
                if let Err(error) = self.blobs.put(&bytes).await {
                    lost = Some(self.clean(&error.to_string()));
                }
            }
        }
        lost
    }

    /// At most the limit's bytes of `text`; what the model doesn't see of the output becomes a blob.
    async fn bounded(&self, text: &str, whole: Option<&str>) -> Bounded {
        let text = self.redactor.clean(text).into_owned();
        let whole = whole.map(|whole| self.redactor.clean(whole).into_owned());
        // Both may have megabytes: nothing is copied that need not be.
        let (mut shown, whole) = match (excerpt(&text, self.limit, HINT), whole) {
            (None, None) => return Bounded { text, full: None },
            (None, Some(whole)) => (text, whole),
            (Some(short), whole) => (short, whole.unwrap_or(text)),
        };
        match self.blobs.put(whole.as_bytes()).await {
            Ok(digest) => Bounded { text: shown, full: Some(digest) },
            Err(error) => {
                let why = self.clean(&error.to_string());
                shown.push_str(&format!("\n[the whole output could not be kept: {why}]"));
                Bounded { text: shown, full: None }
            }
        }
    }

    fn clean(&self, text: &str) -> String {
        self.redactor.clean(&plain(text)).into_owned()
    }

    fn summary(&self, text: &str) -> String {
        let line = self.redactor.clean(&spelled(text)).into_owned();
        if line.len() <= LONGEST_SUMMARY {
            return line;
        }
        format!("{}…", &line[..line.floor_char_boundary(LONGEST_SUMMARY - 3)])
    }

    fn record(&self, approved: Approved) -> Approved {
        let verdict = match approved.verdict {
            Verdict::Allow => Verdict::Allow,
            Verdict::Ask { why } => Verdict::Ask { why: self.clean(&why) },
            Verdict::Deny { why } => Verdict::Deny { why: self.clean(&why) },
        };
        let approval = approved.approval.map(|approval| match approval {
            Approval::Denied { reason } => Approval::Denied { reason: self.clean(&reason) },
            Approval::Once => Approval::Once,
            Approval::Session => Approval::Session,
            Approval::Project => Approval::Project,
            Approval::Stopped => Approval::Stopped,
            Approval::Unavailable => Approval::Unavailable,
        });
        Approved { verdict, approval }
    }
}
