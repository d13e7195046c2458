//! What the agent has seen of files.

use std::collections::HashMap;

use bottega_types::Digest;

/// What the agent read of files, so that a change of theirs is never overwritten unseen, nor a line that it never saw.
///
/// Kept per session by the host; a tool reports what it saw and asks what was seen before. The methods do what those of
/// [`SeenFiles`] do.
pub trait FileVersions: Send + Sync {
    /// The digest of the file's bytes when the agent last read or wrote it.
    fn seen(&self, path: &str) -> Option<Digest>;

    /// The first line of that version, from 1, that the agent was not shown; nothing when it was shown all of it.
    fn unseen_line(&self, path: &str) -> Option<usize>;

    /// The agent has now seen all of this version.
    fn saw(&self, path: &str, digest: Digest);

    /// The agent was shown these lines of this version.
    fn saw_lines(&self, path: &str, digest: Digest, lines: Lines);

    /// The agent changed a part of the file; of the rest it has seen what it had seen before.
    fn edited(&self, path: &str, digest: Digest);
}

/// Lines that were shown: from `first` to `last`, both from 1, of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The first.
    pub first: usize,
    /// The last.
    pub last: usize,
    /// How many the file has.
    pub total: usize,
}

/// The version of each file that was seen last, by path, and how much of it.
#[derive(Clone, Debug, Default)]
pub struct SeenFiles(HashMap<String, SeenFile>);

#[derive(Clone, Debug)]
struct SeenFile {
    digest: Digest,
    /// Lines that were shown, as ranges in order that don't touch; nothing when all were.
    parts: Option<Vec<(usize, usize)>>,
    total: usize,
}

impl SeenFiles {
    /// The version that was seen last.
    #[must_use]
    pub fn seen(&self, path: &str) -> Option<Digest> {
        self.0.get(path).map(|file| file.digest)
    }

    /// The first line of it that was not shown.
    #[must_use]
    pub fn unseen_line(&self, path: &str) -> Option<usize> {
        let file = self.0.get(path)?;
        let first = match file.parts.as_ref()?.first() {
            Some((1, last)) => last + 1,
            Some(_) | None => 1,
        };
        (first <= file.total).then_some(first)
    }

    /// All of this version was seen.
    pub fn saw(&mut self, path: &str, digest: Digest) {
        self.0.insert(path.to_owned(), SeenFile { digest, parts: None, total: 0 });
    }

    /// These lines of this version were seen.
    pub fn saw_lines(&mut self, path: &str, digest: Digest, lines: Lines) {
        let Lines { first, last, total } = lines;
        let known = self.0.get_mut(path).filter(|file| file.digest == digest);
        let file = match known {
            Some(SeenFile { parts: None, .. }) => return,
            Some(file) => file,
            None => {
                let fresh = SeenFile { digest, parts: Some(Vec::new()), total };
                self.0.entry(path.to_owned()).insert_entry(fresh).into_mut()
            }
        };
        file.total = total;
        let parts = file.parts.get_or_insert_default();
        parts.push((first, last));
        parts.sort_unstable();
        let mut joined: Vec<(usize, usize)> = Vec::with_capacity(parts.len());
        for (first, last) in parts.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = last.max(*end),
                Some(_) | None => joined.push((first, last)),
            }
        }
        *parts = joined;
        if matches!(parts.as_slice(), [(1, last)] if *last >= total) || total == 0 {
            file.parts = None;
        }
    }

    /// A part of the file was changed: it has another digest and other lines, and was seen whole only if it was before.
    pub fn edited(&mut self, path: &str, digest: Digest) {
        let whole = self.0.get(path).is_some_and(|file| file.parts.is_none());
        let parts = if whole { None } else { Some(Vec::new()) };
        self.0.insert(path.to_owned(), SeenFile { digest, parts, total: 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines that are shown one after the other, of ten; then the first that was not.
    #[track_caller]
    fn check(shown: &[(usize, usize)], expected: Option<usize>) {
        let digest = Digest::of(b"ten lines");
        let mut seen = SeenFiles::default();
        for (first, last) in shown {
            seen.saw_lines("f", digest, Lines { first: *first, last: *last, total: 10 });
        }
        assert_eq!(seen.unseen_line("f"), expected, "{shown:?}");
        assert_eq!(seen.seen("f"), Some(digest));
    }

    #[test]
    fn lines_that_were_not_shown_are_known() {
        check(&[(1, 10)], None);
        check(&[(1, 4)], Some(5));
        check(&[(3, 4)], Some(1));
        check(&[(1, 4), (5, 10)], None);
        check(&[(5, 10), (1, 4)], None);
        check(&[(1, 4), (6, 10)], Some(5));
        check(&[(1, 4), (6, 10), (4, 6)], None);
    }

    #[test]
    fn another_version_was_not_seen_and_an_edit_shows_no_more() {
        let mut seen = SeenFiles::default();
        seen.saw_lines("f", Digest::of(b"1"), Lines { first: 1, last: 4, total: 10 });
        seen.edited("f", Digest::of(b"2"));
        assert_eq!(seen.unseen_line("f"), Some(1));
        seen.saw_lines("f", Digest::of(b"3"), Lines { first: 5, last: 10, total: 10 });
        assert_eq!(seen.unseen_line("f"), Some(1));
        seen.saw("f", Digest::of(b"3"));
        seen.edited("f", Digest::of(b"4"));
        assert_eq!((seen.unseen_line("f"), seen.seen("f")), (None, Some(Digest::of(b"4"))));
        seen.saw_lines("empty", Digest::of(b""), Lines { first: 1, last: 0, total: 0 });
        assert_eq!(seen.unseen_line("empty"), None);
        assert_eq!(seen.unseen_line("unknown"), None);
    }
}
