//! Changing several files at once: all of them, or none.

use bottega_tool::{FileChange, FileStep, WorkspaceError};
use bottega_types::Digest;
use std::os::unix::fs::MetadataExt;

use crate::disk::{Inner, encoded};
use crate::read::{Raw, raw};
use crate::walk::{Missing, Spot};
use crate::write::{expect, remove, replace};

/// What is to happen to one file, checked as far as it can be before anything is touched.
struct Deed {
    asked: String,
    shown: String,
    before: Option<Raw>,
    after: Option<Vec<u8>>,
    /// The mode that the file shall have; absent, an existing one keeps its own.
    mode: Option<u32>,
}

/// Carries out all steps, or takes back those that were done when one fails.
pub(crate) fn change(inner: &Inner, steps: &[FileStep]) -> Result<Vec<FileChange>, WorkspaceError> {
    let mut deeds = Vec::with_capacity(steps.len());
    for step in steps {
        prepare(inner, step, &mut deeds)?;
    }
    let mut done: Vec<FileChange> = Vec::with_capacity(deeds.len());
    for deed in deeds {
        match carry_out(inner, deed) {
            Ok(change) => done.push(change),
            Err(error) => {
                for change in done.iter().rev() {
                    take_back(inner, change).map_err(|why| half_done(change, &error, &why))?;
                }
                return Err(error);
            }
        }
    }
    Ok(done)
}

fn half_done(change: &FileChange, error: &WorkspaceError, why: &WorkspaceError) -> WorkspaceError {
    WorkspaceError::Unusable {
        path: change.path.clone(),
        why: format!(
            "it was changed, then another step failed ({error}), and it could not be put back: {why}"
        ),
    }
}

/// The deeds of one step. Nothing is touched yet, no folder made.
fn prepare(inner: &Inner, step: &FileStep, deeds: &mut Vec<Deed>) -> Result<(), WorkspaceError> {
    match step {
        FileStep::Write { path, text, expected, executable } => {
            let (shown, before) = present(inner, path, *expected)?;
            let after = Some(encoded(&shown, text, before.as_ref())?);
            let mode = before.as_ref().map(|before| before.about.mode() & 0o7777);
            let mode = executable.map(|executable| executable_mode(mode, executable));
            deeds.push(Deed { asked: path.clone(), shown, before, after, mode });
        }
        FileStep::Move { path, to, text, expected } => {
            let (shown, before) = present(inner, path, Some(*expected))?;
            let (new, nothing) = present(inner, to, None)?;
            let (after, mode) = match (&before, text) {
                (Some(before), Some(text)) => {
                    (encoded(&shown, text, Some(before))?, before.about.mode() & 0o7777)
                }
                (Some(before), None) => (before.bytes.clone(), before.about.mode() & 0o7777),
                (None, _) => return Err(WorkspaceError::Changed { path: shown }),
            };
            let (after, mode) = (Some(after), Some(mode));
            deeds.push(Deed { asked: to.clone(), shown: new, before: nothing, after, mode });
            deeds.push(Deed { asked: path.clone(), shown, before, after: None, mode: None });
        }
        FileStep::Delete { path, expected } => {
            let (shown, before) = present(inner, path, Some(*expected))?;
            deeds.push(Deed { asked: path.clone(), shown, before, after: None, mode: None });
        }
    }
    Ok(())
}

/// The mode with or without the right to run the file, for whoever may read it; of a new file, that of programs.
fn executable_mode(before: Option<u32>, executable: bool) -> u32 {
    match (before, executable) {
        (Some(mode), true) => mode | (mode & 0o444) >> 2,
        (Some(mode), false) => mode & !0o111,
        (None, true) => 0o755,
        (None, false) => 0o644,
    }
}

/// The file at a path, if it is the expected one.
fn present(
    inner: &Inner,
    path: &str,
    expected: Option<Digest>,
) -> Result<(String, Option<Raw>), WorkspaceError> {
    let now = inner.resolve_again(path)?;
    let before = match inner.spot(&now, "look at", Missing::Fail) {
        Ok(spot) => expect(&spot, &now.shown, inner.largest, expected)?,
        // Not even its folder is there.
        Err(WorkspaceError::NotFound { .. }) if expected.is_none() => None,
        Err(error) => return Err(error),
    };
    Ok((now.shown, before))
}

fn carry_out(inner: &Inner, deed: Deed) -> Result<FileChange, WorkspaceError> {
    let Deed { asked, shown, before, after, mode } = deed;
    let spot = open(inner, &asked, if after.is_some() { Missing::Make } else { Missing::Fail })?;
    let mode_before = before.as_ref().map(|before| before.about.mode() & 0o7777);
    let mode = match (&after, &before) {
        (Some(after), _) => replace(&spot, &shown, before.as_ref(), after, mode)?,
        (None, Some(before)) => {
            remove(&spot, &shown, before)?;
            before.about.mode() & 0o7777
        }
        (None, None) => mode.unwrap_or_default(),
    };
    let mode_before = mode_before.filter(|before| *before != mode);
    let written = after.is_some();
    let parted = before.as_ref().filter(|_| written).map_or(0, Raw::other_names);
    let change = FileChange::new(shown, before.map(|before| before.bytes), after, mode);
    Ok(FileChange { mode_before, parted, ..change })
}

fn open(inner: &Inner, asked: &str, missing: Missing) -> Result<Spot, WorkspaceError> {
    let now = inner.resolve_again(asked)?;
    inner.spot(&now, "change", missing)
}

/// Puts a file back, unless somebody else has changed it since.
fn take_back(inner: &Inner, change: &FileChange) -> Result<(), WorkspaceError> {
    let spot = open(inner, &change.path, Missing::Make)?;
    let now = match raw(&spot, &change.path, inner.largest) {
        Ok(now) => Some(now),
        Err(WorkspaceError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    if now.as_ref().map(|now| Digest::of(&now.bytes)) != change.after {
        return Err(WorkspaceError::Changed { path: change.path.clone() });
    }
    match (&change.before_bytes, now) {
        (Some(bytes), now) => {
            let mode = change.mode_before.unwrap_or(change.mode);
            replace(&spot, &change.path, now.as_ref(), bytes, Some(mode)).map(|_| ())
        }
        (None, Some(now)) => remove(&spot, &change.path, &now),
        (None, None) => Ok(()),
    }
}
