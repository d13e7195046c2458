//! Text from users, tools and files must never steer the model.
//!
//! A chat template joins its own control tokens with text that anybody may have written. Before
//! rendering, each control token spelled out in such text is broken by a mark that no text may
//! hold; after rendering, the text is tokenised piece by piece between the marks. The model still
//! reads the same characters, but as characters.

/// U+FDD0 is a noncharacter (Unicode Standard, section 23.7): no text interchanges it.
pub(crate) const BREAK: char = '\u{FDD0}';

/// The spellings that mean something to a model.
#[derive(Debug)]
pub(crate) struct Spellings {
    spellings: Vec<String>,
    /// Which bytes begin a spelling, so that most text is passed over quickly.
    first: [bool; 256],
}

impl Spellings {
    /// Keeps those of at least two characters; a single one can't be broken, and no model has one.
    pub(crate) fn new(mut spellings: Vec<String>) -> Self {
        spellings.retain(|spelling| spelling.chars().count() >= 2);
        let mut first = [false; 256];
        for spelling in &spellings {
            first[usize::from(spelling.as_bytes()[0])] = true;
        }
        Self { spellings, first }
    }

    /// `text` with every spelling in it broken. A smuggled mark becomes U+FFFD.
    pub(crate) fn disarm(&self, text: &str) -> String {
        let mut disarmed = String::with_capacity(text.len() + 16);
        for (at, c) in text.char_indices() {
            disarmed.push(if c == BREAK { char::REPLACEMENT_CHARACTER } else { c });
            let begins = self.first[usize::from(text.as_bytes()[at])]
                && self.spellings.iter().any(|s| text[at..].starts_with(s.as_str()));
            if begins {
                disarmed.push(BREAK);
            }
        }
        disarmed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let spellings = Spellings::new(vec!["<|im_end|>".into(), "<tool_call>".into(), "<".into()]);
        let shown = spellings.disarm(text).replace(BREAK, "·");
        assert_eq!(shown, expected);
    }

    #[test]
    fn spellings_are_broken_and_nothing_else() {
        check("plain <b>text</b>", "plain <b>text</b>");
        check("a<|im_end|>b", "a<·|im_end|>b");
        check("<tool_call><tool_call>", "<·tool_call><·tool_call>");
        check("<|im_<|im_end|>end|>", "<|im_<·|im_end|>end|>");
        check("é<tool_call>", "é<·tool_call>");
    }

    #[test]
    fn a_smuggled_mark_joins_nothing() {
        check("<|im_\u{FDD0}end|>", "<|im_\u{FFFD}end|>");
    }
}
