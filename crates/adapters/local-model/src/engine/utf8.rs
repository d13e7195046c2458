//! Bytes that arrive in pieces, read as text: a character split over tokens waits until it is whole.

/// Collects bytes until they are text.
#[derive(Debug, Default)]
pub(crate) struct Utf8 {
    waiting: Vec<u8>,
}

impl Utf8 {
    /// Takes `bytes` and gives the text that is whole. What can never become text is replaced by
    /// U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.waiting.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.waiting) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.waiting.clear();
                    return text;
                }
                Err(error) => {
                    let (whole, rest) = self.waiting.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(whole));
                    let Some(broken) = error.error_len() else {
                        self.waiting = rest.to_vec();
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.waiting = rest[broken..].to_vec();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        for size in 1..=bytes.len() {
            let mut decoder = Utf8::default();
            let text: String = bytes.chunks(size).map(|piece| decoder.push(piece)).collect();
            assert_eq!(text, expected, "pieces of {size}");
        }
    }

    #[test]
    fn characters_survive_any_cut() {
        check("aé€😀z".as_bytes(), "aé€😀z");
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        check(b"a\xffb\xe2\x82c", "a\u{FFFD}b\u{FFFD}c");
    }

    #[test]
    fn an_unfinished_character_waits() {
        assert_eq!(Utf8::default().push(&"é".as_bytes()[..1]), "");
    }
}
