//! Places whose lines are the same but for blanks.

use std::ops::Range;

use super::folded::Edit;
use super::indentation::reindent;
use super::{NotReplaced, Which};
use crate::numbered::number;

/// One edit for each run of lines in `text` that differs from `old` in blanks only: at first at the ends
/// of lines, then also within them.
pub(super) fn edits(
    text: &str,
    old: &str,
    new: &str,
    which: Which,
) -> Result<Vec<Edit>, NotReplaced> {
    let wanted = Wanted::of(old, new);
    let ranges = line_ranges(text);
    let file: Vec<&str> = ranges.iter().map(|range| &text[range.clone()]).collect();
    let trimmed = windows(&file, &wanted.old, |line| line.trim().to_owned());
    let places = if trimmed.is_empty() {
        windows(&file, &wanted.old, |line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    } else {
        trimmed
    };
    which
        .of(places)
        .into_iter()
        .map(|place| {
            let here = &file[place.clone()];
            let lines = reindent(&wanted.old, here, &wanted.new, &file).ok_or_else(|| {
                NotReplaced::Depth { shown: number(here.iter().copied(), place.start + 1) }
            })?;
            let (first, last) = (&ranges[place.start], &ranges[place.end - 1]);
            Ok(if lines.is_empty() {
                Edit { range: with_line_end(text, first.start..last.end), text: String::new() }
            } else {
                Edit { range: first.start..last.end, text: lines.join("\n") }
            })
        })
        .collect()
}

/// Old and new lines without the blank lines that both begin and end with.
struct Wanted<'t> {
    old: Vec<&'t str>,
    new: Vec<&'t str>,
}

impl<'t> Wanted<'t> {
    fn of(old: &'t str, new: &'t str) -> Self {
        let blank = |line: &&&str| line.trim().is_empty();
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.split('\n').collect(), new.split('\n').collect());
        let before = old.iter().take_while(blank).count();
        let after = old.iter().rev().take_while(blank).count();
        let new_before = new.iter().take_while(blank).count().min(before);
        let new_after = new[new_before..].iter().rev().take_while(blank).count().min(after);
        let mut new = new[new_before..new.len() - new_after].to_vec();
        if new.iter().all(|line| line.trim().is_empty()) {
            new.clear();
        }
        Self { old: old[before..old.len() - after].to_vec(), new }
    }
}

/// The lines of a text, without their ends. A final line end begins no further line.
pub(super) fn line_ranges(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let range = start..start + line.trim_end_matches('\n').len();
            start += line.len();
            range
        })
        .collect()
}

/// The runs of `file` that equal `old` under `key`. They may overlap: any of them may be the one that is meant.
pub(super) fn windows(
    file: &[&str],
    old: &[&str],
    key: impl Fn(&str) -> String,
) -> Vec<Range<usize>> {
    let old: Vec<String> = old.iter().map(|line| key(line)).collect();
    let file: Vec<String> = file.iter().map(|line| key(line)).collect();
    if old.is_empty() {
        return Vec::new();
    }
    let runs = file.windows(old.len()).enumerate();
    runs.filter(|(_, run)| *run == old).map(|(start, _)| start..start + old.len()).collect()
}

/// `range` with the line end after it, or before it where the file ends without one.
pub(super) fn with_line_end(text: &str, range: Range<usize>) -> Range<usize> {
    if text[range.end..].starts_with('\n') {
        range.start..range.end + 1
    } else {
        range.start.saturating_sub(1)..range.end
    }
}
