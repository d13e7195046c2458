//! A text with all its line ends folded to `\n`, and the way back.

use std::ops::Range;

/// `\r\n` → `\n`. A lone `\r` stays.
pub(super) fn fold(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// A piece of the folded text and what replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// The bytes of the folded text that go.
    pub(super) range: Range<usize>,
    /// What comes, with `\n` as line end.
    pub(super) text: String,
}

/// A folded text that remembers its line ends.
pub(super) struct Folded<'t> {
    original: &'t str,
    text: String,
    /// Where in `text` the `\n` stand that were `\r\n`, rising.
    wide: Vec<usize>,
    /// Whether new lines end in `\r\n`, as most of the file's do.
    mostly_wide: bool,
}

impl<'t> Folded<'t> {
    pub(super) fn of(original: &'t str) -> Self {
        let wide: Vec<usize> = original
            .match_indices("\r\n")
            .enumerate()
            .map(|(before, (at, _))| at - before)
            .collect();
        let text = fold(original);
        let mostly_wide = wide.len() * 2 > text.matches('\n').count();
        Self { original, text, wide, mostly_wide }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where in the original a byte of the folded text stands. The `\r` belongs to the byte it precedes.
    fn origin(&self, at: usize) -> usize {
        at + self.wide.partition_point(|wide| *wide < at)
    }

    /// The original with `edits` carried out, which are in order and don't overlap.
    pub(super) fn apply(&self, edits: &[Edit]) -> String {
        let mut result = String::with_capacity(self.original.len());
        let mut done = 0;
        for Edit { range, text } in edits {
            result.push_str(&self.original[done..self.origin(range.start)]);
            if self.is_wide(range) {
                result.push_str(&text.replace('\n', "\r\n"));
            } else {
                result.push_str(text);
            }
            done = self.origin(range.end);
        }
        result.push_str(&self.original[done..]);
        result
    }

    /// Whether what replaces `range` ends its lines in `\r\n`: as its first line did, else as most do.
    fn is_wide(&self, range: &Range<usize>) -> bool {
        match self.text[range.clone()].find('\n') {
            Some(first) => self.wide.binary_search(&(range.start + first)).is_ok(),
            None => self.mostly_wide,
        }
    }
}
