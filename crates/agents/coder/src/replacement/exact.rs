//! Places that have the text to the byte.

use super::folded::Edit;
use super::indentation::leading;
use super::{Which, line_at};
use crate::numbered;

/// One edit for each place where `text` has `old`.
pub(super) fn edits(text: &str, old: &str, new: &str, which: Which) -> Vec<Edit> {
    let places = places(text, old).map(|start| start..start + old.len()).collect();
    which
        .of(places)
        .into_iter()
        .map(|place| {
            let start = place.start;
            let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
            // Numbers that were copied into the new text only: they begin at the place itself.
            let unnumbered = numbered::strip(new)
                .filter(|stripped| stripped.first == line_at(text, start))
                .map(|stripped| stripped.text);
            let new = unnumbered.as_deref().unwrap_or(new);
            Edit { range: place, text: fit(&text[line_start..start], old, new) }
        })
        .collect()
}

/// Where `old`, which is not empty, begins in `text`.
fn places(text: &str, old: &str) -> impl Iterator<Item = usize> {
    let step = old.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(old)?;
        from = start + step;
        Some(start)
    })
}

/// `new` as it must stand behind `before`, the beginning of the line in which `old` was found.
///
/// Literally, but for two slips: `old` was copied without the blanks before its first line, and `new` was
/// written without the indentation that `old` has.
fn fit(before: &str, old: &str, new: &str) -> String {
    let indented = leading(old);
    if before.trim().is_empty() && !before.is_empty() && indented.is_empty() {
        return behind_indentation(before, old, new);
    }
    if before.is_empty() && !indented.is_empty() && lost_indentation(old, new) {
        return shift(indented, new);
    }
    new.to_owned()
}

/// `before` is the indentation that was not copied into `old`.
fn behind_indentation(before: &str, old: &str, new: &str) -> String {
    let own = leading(new);
    if !own.is_empty() {
        // Written with the indentation that stands there already: once is enough.
        return new.strip_prefix(before).unwrap_or(&new[own.len()..]).to_owned();
    }
    let Some((first, rest)) = new.split_once('\n') else { return new.to_owned() };
    if old.contains('\n') {
        return new.to_owned();
    }
    let depth = |line: &str| leading(line).len();
    let later: Vec<&str> = rest.split('\n').filter(|line| !line.trim().is_empty()).collect();
    let opens = first.trim_end().ends_with([':', '{', '(', '[']);
    let from_zero = later.iter().any(|line| depth(line) < before.len())
        || (opens && later.first().is_some_and(|line| depth(line) <= before.len()));
    if from_zero { format!("{first}\n{}", shift(before, rest)) } else { new.to_owned() }
}

/// Whether `new` is meant to stand as deep as `old`, but was written from column zero.
///
/// A line may also be moved out on purpose, so this asks for the same first word at both, and for more
/// than blanks to differ.
fn lost_indentation(old: &str, new: &str) -> bool {
    let solid = |text: &'_ str| -> Vec<String> {
        text.split('\n').filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    };
    let word = |line: &str| line.split_whitespace().next().map(str::to_owned);
    let (old_lines, new_lines) = (solid(old), solid(new));
    let old_is_deep = old_lines.iter().all(|line| !leading(line).is_empty());
    let flat: Vec<&String> = new_lines.iter().filter(|line| leading(line).is_empty()).collect();
    let same_words = old.split_whitespace().eq(new.split_whitespace());
    old_is_deep
        && !same_words
        && new_lines.first().is_some_and(|line| leading(line).is_empty())
        && old_lines.first().is_some_and(|first| flat.iter().any(|line| word(line) == word(first)))
}

/// `text` with `by` before each line that isn't blank.
fn shift(by: &str, text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{by}{line}") })
        .collect();
    lines.join("\n")
}
