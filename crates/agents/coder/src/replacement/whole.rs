//! A new text that holds the whole file, given for a part of it.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::folded::Edit;

/// Files with fewer lines than this are too small to tell.
const FEWEST_LINES: usize = 4;

/// The edit of the whole file that a single edit of a part must mean: its new text begins and ends as the
/// file does and has three quarters of the lines around the part, so putting it in the part's place would
/// have them twice.
pub(super) fn instead(text: &str, edits: &[Edit]) -> Option<Edit> {
    let [Edit { range, text: new }] = edits else { return None };
    let file = solid(text);
    let new_lines = solid(new);
    let around: Vec<&str> =
        solid(&text[..range.start]).into_iter().chain(solid(&text[range.end..])).collect();
    if file.len() < FEWEST_LINES || around.len() < 3 {
        return None;
    }
    if file.first() != new_lines.first() || file.last() != new_lines.last() {
        return None;
    }
    let shared: usize = capture_diff_slices(Algorithm::Myers, &around, &new_lines)
        .iter()
        .map(|op| match op {
            DiffOp::Equal { len, .. } => *len,
            DiffOp::Insert { .. } | DiffOp::Delete { .. } | DiffOp::Replace { .. } => 0,
        })
        .sum();
    if shared * 4 < around.len() * 3 {
        return None;
    }
    let end = if text.ends_with('\n') { "\n" } else { "" };
    Some(Edit { range: 0..text.len(), text: format!("{}{end}", new.trim_end_matches('\n')) })
}

fn solid(text: &str) -> Vec<&str> {
    text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect()
}
