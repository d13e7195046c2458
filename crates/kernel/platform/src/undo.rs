//! Taking back what an agent did to files.

use std::collections::{BTreeMap, BTreeSet};

use bottega_event::SessionEvent;
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
    /// The calls whose changes this takes back.
    pub calls: Vec<CallId>,
    /// Folders that were made for it, to be taken away where they are empty then.
    pub folders: Vec<String>,
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
}

/// What must be put back to undo the last `steps` calls that changed files, all of them when absent. Calls
/// that were undone before don't count. Pure.
#[must_use]
pub fn plan_undo(history: &[Happened], steps: Option<usize>) -> Vec<Restore> {
    let mut undone: Vec<CallId> = Vec::new();
    let mut reports = Vec::new();
    for happened in history {
        if let SessionEvent::Undone(event) = &happened.event {
            undone.extend(&event.calls);
        }
        if let SessionEvent::ToolFinished(report) = &happened.event
            && !report.changes.is_empty()
        {
            reports.push(report);
        }
    }
    reports.retain(|report| !undone.contains(&report.call));
    let first = steps.map_or(0, |steps| reports.len().saturating_sub(steps));
    let mut restores = BTreeMap::<&str, Restore>::new();
    for report in &reports[first..] {
        for change in &report.changes {
            restores
                .entry(&change.path)
                .and_modify(|restore| {
                    restore.now = change.after;
                    restore.calls.insert(0, report.call);
                    restore.folders.extend_from_slice(&change.new_folders);
                })
                .or_insert_with(|| Restore {
                    path: change.path.clone(),
                    now: change.after,
                    before: change.before,
                    mode: change.mode_before.unwrap_or(change.mode),
                    calls: vec![report.call],
                    folders: change.new_folders.clone(),
                });
        }
    }
    restores.into_values().collect()
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

/// Puts the files back. A file that is not what the agent left is left alone.
///
/// What the agent made goes first, with its folders: a file may come back where a folder took its place.
pub(crate) async fn carry_out(
    plan: &[Restore],
    workspace: &dyn Workspace,
    blobs: &dyn Blobs,
) -> Result<UndoOutcome, PlatformError> {
    let mut outcome = UndoOutcome::default();
    let (made, others): (Vec<&Restore>, Vec<&Restore>) =
        plan.iter().partition(|restore| restore.before.is_none());
    for restore in made {
        match workspace.restore(&restore.path, None, restore.mode, restore.now).await {
            Ok(()) => outcome.removed.push(restore.path.clone()),
            Err(WorkspaceError::Changed { .. }) => outcome.left_alone.push(restore.path.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    let folders: BTreeSet<&String> = plan.iter().flat_map(|restore| &restore.folders).collect();
    // What lies deeper sorts behind what it lies in.
    for folder in folders.into_iter().rev() {
        workspace.remove_folder(folder).await?;
    }
    for restore in others {
        let Some(digest) = restore.before else { continue };
        // The blob was swept: without the bytes the file can't be put back.
        let Some(bytes) = blobs.get(digest).await? else {
            outcome.forgotten.push(restore.path.clone());
            continue;
        };
        match workspace.restore(&restore.path, Some(&bytes), restore.mode, restore.now).await {
            Ok(()) => outcome.restored.push(restore.path.clone()),
            Err(WorkspaceError::Changed { .. }) => outcome.left_alone.push(restore.path.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(outcome)
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
