//! What changed in a text, as a unified diff.

use std::time::Duration;

use similar::TextDiff;

/// The changes from `before` to `after` with two lines of context, without file headers; line ends are
/// shown as `\n`. Bounded work: texts that are hard to compare get a coarser diff.
pub(crate) fn diff(before: &str, after: &str) -> String {
    let (before, after) = (before.replace("\r\n", "\n"), after.replace("\r\n", "\n"));
    TextDiff::configure()
        .timeout(Duration::from_millis(500))
        .diff_lines(before.as_str(), after.as_str())
        .unified_diff()
        .context_radius(2)
        .missing_newline_hint(false)
        .to_string()
}

/// `+3 -1`: lines added and removed.
pub(crate) fn tally(diff: &str) -> String {
    let count = |sign| diff.lines().filter(|line| line.starts_with(sign)).count();
    format!("+{} -{}", count('+'), count('-'))
}
