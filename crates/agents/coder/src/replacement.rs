//! Replacing a piece of a text by another, for writers that copy imperfectly.
//!
//! The text asked for is found as it stands, or else line by line without regard to what models get
//! wrong: line ends, tabs for blanks, depth of indentation, blanks at a line's end, copied line numbers.
//! What is put in its place takes the file's own form. Where more than one reading is left, nothing is
//! done: the refusal shows what the file has.

mod exact;
mod folded;
mod hunks;
mod indentation;
mod lines;
mod nearest;
mod whole;

use std::ops::Range;

use folded::{Edit, Folded};
pub(crate) use hunks::{Hunk, apply};

use crate::numbered::{self, number};

/// Which of several places is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// There must be one.
    Only,
    /// All of them.
    All,
}

impl Which {
    /// Which of `places`, in their order, count. Any one may be the one that is meant, but all of them can't be
    /// where some overlap: then each that begins behind the last is.
    fn of(self, mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
        if self == Self::All {
            let mut end = 0;
            places.retain(|place| {
                let apart = place.start >= end;
                end = if apart { place.end } else { end };
                apart
            });
        }
        places
    }
}

/// A text in which something was replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// The new text.
    pub(crate) text: String,
    /// What was taken as meant although it was not said, for the writer to know.
    pub(crate) note: Option<&'static str>,
}

/// Why nothing was replaced. A model reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotReplaced {
    /// Nothing to look for.
    #[error(
        "old_text is empty. Copy the lines to change into old_text; to add lines, take a line next to the \
         place as old_text and repeat it in new_text"
    )]
    Blank,
    /// Nothing would change.
    #[error(
        "old_text and new_text are the same, so nothing would change. Put the changed lines into new_text"
    )]
    Same,
    /// More than one place.
    #[error(
        "old_text stands in {} places. Add the lines before or after to old_text so that it fits one \
         place only, or set replace_all:\n{shown}", .lines.len()
    )]
    Ambiguous {
        /// The first lines of the places, from 1.
        lines: Vec<usize>,
        /// The first places with a line of context.
        shown: String,
    },
    /// The change is there already.
    #[error(
        "old_text is not in the file, but new_text is, at line {line}: the change was made before"
    )]
    Done {
        /// Where, from 1.
        line: usize,
    },
    /// No such text, but something like it.
    #[error(
        "old_text is not in the file. Nearest lines are shown with their numbers; copy them exactly, \
         without the number and `|`:\n{shown}"
    )]
    Near {
        /// The lines.
        shown: String,
    },
    /// No such text, and nothing like it.
    #[error(
        "old_text is not in the file, nor anything like it. Read the file and copy the lines to change"
    )]
    Absent,
    /// The place was found, but not how deep the new lines belong.
    #[error(
        "old_text has lost its indentation, so it is unclear how deep new_text belongs. The file has these \
         lines; copy them with their indentation, without the number and `|`:\n{shown}"
    )]
    Depth {
        /// The lines as they stand in the file.
        shown: String,
    },
}

/// Replaces `old` by `new` in `text`.
pub(crate) fn replace(
    text: &str,
    old: &str,
    new: &str,
    which: Which,
) -> Result<Replaced, NotReplaced> {
    let file = Folded::of(text);
    // A copy that ends within a line end has its first half.
    let copy = |text: &str| folded::fold(text.strip_suffix('\r').unwrap_or(text));
    let (old, new) = (copy(old), copy(new));
    if old.trim().is_empty() {
        return Err(NotReplaced::Blank);
    }
    if old == new {
        return Err(NotReplaced::Same);
    }
    let (edits, note) = find(&file, &old, &new, which)?;
    let replaced = match whole::instead(file.text(), &edits) {
        Some(all) => Replaced {
            text: file.apply(&[all]),
            note: Some("new_text held the whole file, so it replaced the whole file"),
        },
        None => Replaced { text: file.apply(&edits), note },
    };
    if replaced.text == text { Err(NotReplaced::Same) } else { Ok(replaced) }
}

type Plan = (Vec<Edit>, Option<&'static str>);

/// The edits that `old` → `new` means, from the most literal reading to the most lenient.
fn find(file: &Folded, old: &str, new: &str, which: Which) -> Result<Plan, NotReplaced> {
    let text = file.text();
    let edits = exact::edits(text, old, new, which);
    if !edits.is_empty() {
        return one(text, edits, which).map(|edits| (edits, None));
    }
    let unnumbered = numbered::strip(old).filter(|old| !old.text.trim().is_empty()).map(|old| {
        let new = numbered::strip_near(new, old.first, old.last);
        (old.text, new)
    });
    if let Some((old, new)) = &unnumbered {
        let edits = exact::edits(text, old, new, which);
        if !edits.is_empty() {
            return one(text, edits, which)
                .map(|edits| (edits, Some("line numbers were taken off")));
        }
    }
    let (old, new) =
        unnumbered.as_ref().map_or((old, new), |(old, new)| (old.as_str(), new.as_str()));
    let edits = lines::edits(text, old, new, which)?;
    if !edits.is_empty() {
        let note = "old_text differed from the file in blanks; the file's own indentation was kept";
        return one(text, edits, which).map(|edits| (edits, Some(note)));
    }
    Err(explain(text, old, new))
}

/// `edits`, if there may be as many.
fn one(text: &str, edits: Vec<Edit>, which: Which) -> Result<Vec<Edit>, NotReplaced> {
    if edits.len() == 1 || which == Which::All {
        return Ok(edits);
    }
    let lines: Vec<usize> = edits.iter().map(|edit| line_at(text, edit.range.start)).collect();
    let all: Vec<&str> = text.split('\n').collect();
    let shown: Vec<String> = lines
        .iter()
        .take(4)
        .map(|line| {
            let from = line.saturating_sub(2);
            number(all[from..all.len().min(line + 1)].iter().copied(), from + 1)
        })
        .collect();
    Err(NotReplaced::Ambiguous { lines, shown: shown.join("--\n") })
}

/// Why `old` was not found, with what helps most.
fn explain(text: &str, old: &str, new: &str) -> NotReplaced {
    if new.trim().len() > 8
        && let Some(at) = text.find(new.trim())
    {
        return NotReplaced::Done { line: line_at(text, at) };
    }
    nearest::nearest(text, old).map_or(NotReplaced::Absent, |shown| NotReplaced::Near { shown })
}

/// The number of the line that holds the byte `at`, from 1.
fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests;
