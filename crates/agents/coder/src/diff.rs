//! What changed in a text, as a unified diff.

use std::time::Duration;

use similar::TextDiff;

/// The changes from `before` to `after` with two lines of context, without file headers; line ends are
/// shown as `\n`. Bounded work: texts that are hard to compare get a coarser diff.
pub(crate) fn diff(before: &str, after: &str) -> String {
    let (before, after) = (with_line_feeds(before), with_line_feeds(after));
    TextDiff::configure()
        .timeout(Duration::from_millis(500))
        .diff_lines(before.as_str(), after.as_str())
        .unified_diff()
        .context_radius(2)
        .missing_newline_hint(false)
        .to_string()
}

/// The text with one kind of line ends. A lone carriage return is one where there is no other.
fn with_line_feeds(text: &str) -> String {
    if text.contains('\n') { text.replace("\r\n", "\n") } else { text.replace('\r', "\n") }
}

/// `+3 -1`: lines added and removed.
pub(crate) fn tally(diff: &str) -> String {
    let count = |sign| diff.lines().filter(|line| line.starts_with(sign)).count();
    format!("+{} -{}", count('+'), count('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_every_kind_are_line_ends() {
        for end in ["\n", "\r\n", "\r"] {
            let text = |middle: &str| ["a", middle, "c", ""].join(end);
            let changes = diff(&text("b"), &text("B"));
            assert_eq!((tally(&changes).as_str(), changes.contains("-b\n+B\n")), ("+1 -1", true));
        }
    }
}
