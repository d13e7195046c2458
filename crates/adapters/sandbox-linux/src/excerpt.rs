//! The head and the tail of an output.

use std::collections::VecDeque;

/// Keeps the first and the last bytes of what is pushed, and counts the rest.
pub(crate) struct Excerpt {
    keep: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    omitted: u64,
}

impl Excerpt {
    /// Keeps `keep` bytes of each end.
    pub(crate) fn new(keep: usize) -> Self {
        Self { keep, head: Vec::new(), tail: VecDeque::new(), omitted: 0 }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(self.keep - self.head.len()));
        self.head.extend_from_slice(head);
        // Of a large piece only its end can stay.
        let (lost, kept) = rest.split_at(rest.len().saturating_sub(self.keep));
        self.tail.extend(kept);
        let surplus = self.tail.len().saturating_sub(self.keep);
        self.tail.drain(..surplus);
        self.omitted += (lost.len() + surplus) as u64;
    }

    /// The text, with a line where bytes were left out, and how many those are.
    pub(crate) fn finish(mut self) -> (String, u64) {
        let tail = self.tail.make_contiguous();
        if self.omitted == 0 {
            self.head.extend_from_slice(tail);
            let text = String::from_utf8(self.head)
                .unwrap_or_else(|bytes| String::from_utf8_lossy(bytes.as_bytes()).into_owned());
            return (text, 0);
        }
        // A character that was cut in two counts as left out.
        let head = self.head.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
        let head = if self.head.len() - head <= 3 { head } else { self.head.len() };
        let start = tail.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
        let omitted = self.omitted + (self.head.len() - head + start) as u64;
        let text = format!(
            "{}\n[… {omitted} bytes left out …]\n{}",
            String::from_utf8_lossy(&self.head[..head]),
            String::from_utf8_lossy(&tail[start..])
        );
        (text, omitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keep: usize, pieces: &[&str], expected: &str, omitted: u64) {
        let mut excerpt = Excerpt::new(keep);
        for piece in pieces {
            excerpt.push(piece.as_bytes());
        }
        assert_eq!(excerpt.finish(), (expected.to_owned(), omitted));
    }

    #[test]
    fn what_fits_is_whole() {
        check(4, &["abc", "defgh"], "abcdefgh", 0);
        check(4, &[], "", 0);
        check(3, &["aä", "äa"], "aääa", 0);
    }

    #[test]
    fn the_middle_is_left_out_and_counted() {
        check(2, &["abcdefgh"], "ab\n[… 4 bytes left out …]\ngh", 4);
        check(2, &["a", "b", "c", "d", "e"], "ab\n[… 1 bytes left out …]\nde", 1);
        check(0, &["abc"], "\n[… 3 bytes left out …]\n", 3);
    }

    #[test]
    fn a_character_is_not_cut_in_two() {
        check(3, &["aaäxxxxäbb"], "aa\n[… 8 bytes left out …]\nbb", 8);
    }
}
