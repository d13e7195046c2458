//! Taking back what an agent did to files.

use std::collections::{BTreeMap, BTreeSet};

use bottega_event::{SessionEvent, ToolReport};
use bottega_store::Blobs;
use bottega_tool::{Workspace, WorkspaceError};
use bottega_types::{CallId, Digest};

use crate::{Happened, PlatformError};

/// One file to put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// The path, relative to the workspace.
    pub path: String,
    /// What the file must be now, or it is left alone; nothing when it must not exist.
    pub now: Option<Digest>,
    /// What it becomes; nothing takes it away.
    pub before: Option<Digest>,
    /// Its Unix mode bits.
    pub mode: u32,
    /// Those that it must have now, if it is a folder.
    pub mode_now: u32,
    /// The calls whose changes this takes back.
    pub calls: Vec<CallId>,
    /// Folders that were made for it, to be taken away where they are empty then.
    pub folders: Vec<String>,
}

impl Restore {
    /// Whether it is about a folder itself: its path ends with `/`.
    fn is_folder(&self) -> bool {
        self.path.ends_with('/')
    }
}

/// What an undo did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoOutcome {
    /// Files that have their earlier bytes again.
    pub restored: Vec<String>,
    /// Files that are gone again, since there were none before.
    pub removed: Vec<String>,
    /// Files that were left alone since somebody else changed them.
    pub left_alone: Vec<String>,
    /// Files whose earlier bytes are not kept any more; left alone too.
    pub forgotten: Vec<String>,
    /// What was changed, or may have been, and was never kept; in words for people.
    pub unkept: Vec<String>,
}

/// What must be put back to undo the last `steps` calls that changed files, all of them when absent. Calls
/// that were undone before don't count. A file that somebody else changed between two calls goes back to what they
/// made of it, and no further: the calls before stay as they are. Pure.
#[must_use]
pub fn plan_undo(history: &[Happened], steps: Option<usize>) -> Vec<Restore> {
    let mut restores = BTreeMap::<&str, Restore>::new();
    // Folders that were not there before a file was put into them, which may be moved or taken away later.
    let mut new_folders = BTreeSet::<String>::new();
    for report in last_changes(history, steps) {
        for change in &report.changes {
            for folder in &change.new_folders {
                let folder = format!("{folder}/");
                match restores.get_mut(folder.as_str()) {
                    // It had been taken away, and is made again.
                    Some(known) => {
                        known.now = known.now.or(Some(Digest::of(b"")));
                        known.calls.insert(0, report.call);
                    }
                    None => drop(new_folders.insert(folder)),
                }
            }
            let known = restores.get(change.path.as_str());
            if known.is_some_and(|known| known.now != change.before) {
                restores.remove(change.path.as_str());
            }
            restores
                .entry(&change.path)
                .and_modify(|restore| {
                    restore.now = change.after;
                    restore.mode_now = change.mode;
                    restore.calls.insert(0, report.call);
                    restore.folders.extend_from_slice(&change.new_folders);
                })
                .or_insert_with(|| Restore {
                    path: change.path.clone(),
                    now: change.after,
                    before: change.before.filter(|_| !new_folders.contains(&change.path)),
                    mode: change.mode_before.unwrap_or(change.mode),
                    mode_now: change.mode,
                    calls: vec![report.call],
                    folders: change.new_folders.clone(),
                });
        }
    }
    restores.into_values().collect()
}

/// What was changed by the calls that an undo takes back, and between them, and was never kept. Pure.
#[must_use]
pub(crate) fn unkept(history: &[Happened], steps: Option<usize>) -> Vec<String> {
    last_changes(history, steps).into_iter().filter_map(|report| report.unkept.clone()).collect()
}

/// The last `steps` calls that changed files and were not taken back, all when absent; between and after them those
/// of which nothing was kept.
fn last_changes(history: &[Happened], steps: Option<usize>) -> Vec<&ToolReport> {
    let mut undone: Vec<CallId> = Vec::new();
    let mut reports = Vec::new();
    for happened in history {
        if let SessionEvent::Undone(event) = &happened.event {
            undone.extend(&event.calls);
        }
        if let SessionEvent::ToolFinished(report) = &happened.event
            && (!report.changes.is_empty() || report.unkept.is_some())
        {
            reports.push(report);
        }
    }
    reports.retain(|report| !undone.contains(&report.call));
    if let Some(steps) = steps {
        let changed = reports.iter().enumerate().filter(|(_, report)| !report.changes.is_empty());
        let first = changed.map(|(at, _)| at).rev().take(steps).last();
        reports.drain(..first.unwrap_or(reports.len()));
    }
    reports
}

/// Whether work is under way in a session, or was when its process ended.
pub(crate) fn is_open(history: &[Happened]) -> bool {
    let last = history.iter().rev().find(|happened| {
        matches!(happened.event, SessionEvent::Tasked(_) | SessionEvent::Ended(_))
    });
    last.is_some_and(|happened| matches!(happened.event, SessionEvent::Tasked(_)))
}

/// The calls of which every file was put back; one whose file was left alone can be undone again.
pub(crate) fn undone(plan: &[Restore], outcome: &UndoOutcome) -> Vec<CallId> {
    let left = |call: &CallId| {
        plan.iter()
            .filter(|restore| {
                outcome.left_alone.contains(&restore.path)
                    || outcome.forgotten.contains(&restore.path)
            })
            .any(|restore| restore.calls.contains(call))
    };
    let calls = plan.iter().flat_map(|restore| restore.calls.iter().copied());
    let calls: BTreeSet<CallId> = calls.filter(|call| !left(call)).collect();
    calls.into_iter().collect()
}

/// What its owner needs to change what is in a folder.
const OPEN: u32 = 0o700;

/// Puts the files back. A file that is not what the agent left is left alone.
///
/// What the agent made goes first, from the deepest on: a file may come back where a folder took its place. Then comes
/// back what was there, from the outermost on. Folders that are closed to their owner are open meanwhile.
///
/// # Errors
/// When the disk or the blobs fail; what was put back by then stays so.
pub async fn carry_out(
    plan: &[Restore],
    workspace: &dyn Workspace,
    blobs: &dyn Blobs,
) -> Result<UndoOutcome, PlatformError> {
    let mut outcome = UndoOutcome::default();
    for closed in
        plan.iter().filter(|restore| restore.is_folder() && restore.mode_now & OPEN != OPEN)
    {
        if closed.now.is_some() {
            ignoring_changed(restore(workspace, closed, Some(b""), closed.mode_now | OPEN).await)?;
        }
    }
    let (made, others): (Vec<&Restore>, Vec<&Restore>) =
        plan.iter().partition(|restore| restore.before.is_none());
    // What lies deeper sorts behind what it lies in. A folder may have been made by a command, taken away by another and
    // made again for a file.
    let mut going: BTreeMap<(String, bool), Option<&Restore>> = BTreeMap::new();
    let folders = plan.iter().flat_map(|restore| &restore.folders);
    // One that was there before gets its mode back instead.
    let stays = |folder: &str| {
        others.iter().any(|other| other.path.strip_suffix('/').is_some_and(|path| path == folder))
    };
    let folders = folders.filter(|folder| !stays(folder));
    going.extend(folders.map(|folder| ((format!("{folder}/"), false), None)));
    // What came and went already needs nothing; what lies there now is somebody else's.
    let made = made.into_iter().filter(|gone| gone.now.is_some());
    going.extend(made.map(|gone| ((gone.path.clone(), true), Some(gone))));
    for ((path, _), gone) in going.into_iter().rev() {
        let Some(gone) = gone else {
            workspace.remove_folder(path.trim_end_matches('/')).await?;
            continue;
        };
        match restore(workspace, gone, None, gone.mode).await {
            Ok(()) => outcome.removed.push(path),
            // A folder in which somebody else put something stays for them.
            Err(WorkspaceError::Changed { .. }) if gone.is_folder() => {}
            Err(WorkspaceError::Changed { .. }) => outcome.left_alone.push(path),
            Err(error) => return Err(error.into()),
        }
    }
    outcome.removed.reverse();
    for back in &others {
        let Some(digest) = back.before else { continue };
        let (bytes, mode) = if back.is_folder() {
            (Some(Vec::new()), back.mode | OPEN)
        } else {
            (blobs.get(digest).await?, back.mode)
        };
        // The blob was swept: without the bytes the file can't be put back.
        let Some(bytes) = bytes else {
            outcome.forgotten.push(back.path.clone());
            continue;
        };
        match restore(workspace, back, Some(&bytes), mode).await {
            Ok(()) => outcome.restored.push(back.path.clone()),
            Err(WorkspaceError::Changed { .. }) => outcome.left_alone.push(back.path.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    let closed = |back: &&&Restore| back.is_folder() && back.mode & OPEN != OPEN;
    for folder in others.iter().rev().filter(closed) {
        let now = Restore { now: folder.before, ..(*folder).clone() };
        ignoring_changed(restore(workspace, &now, Some(b""), folder.mode).await)?;
    }
    Ok(outcome)
}

async fn restore(
    workspace: &dyn Workspace,
    what: &Restore,
    bytes: Option<&[u8]>,
    mode: u32,
) -> Result<(), WorkspaceError> {
    workspace.restore(&what.path, bytes, mode, what.now).await
}

/// A folder that is not there any more needs no mode.
fn ignoring_changed(result: Result<(), WorkspaceError>) -> Result<(), WorkspaceError> {
    match result {
        Err(WorkspaceError::Changed { .. }) => Ok(()),
        other => other,
    }
}

/// The blobs that an event refers to.
pub(crate) fn blobs_of(event: &SessionEvent) -> Vec<Digest> {
    match event {
        SessionEvent::ToolFinished(report) => {
            let changes = report.changes.iter().flat_map(|change| [change.before, change.after]);
            changes.chain([report.full]).flatten().collect()
        }
        SessionEvent::Tasked(task) => task.attachments.iter().map(|file| file.blob).collect(),
        SessionEvent::Started(_)
        | SessionEvent::Rerouted(_)
        | SessionEvent::Surveyed(_)
        | SessionEvent::Stepped(_)
        | SessionEvent::Rewound(_)
        | SessionEvent::ModelAsked(_)
        | SessionEvent::ModelAnswered(_)
        | SessionEvent::ModelFailed(_)
        | SessionEvent::ToolStarted(_)
        | SessionEvent::Compacted(_)
        | SessionEvent::Nudged(_)
        | SessionEvent::Undone(_)
        | SessionEvent::Ended(_)
        | SessionEvent::Removed(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
