//! From rendered prompt to tokens, and how much of it the engine has read before.
//!
//! What a model wrote token by token may divide into other tokens when its text is read back from
//! the conversation. [`reuse`] therefore compares by bytes where tokens differ, so that a turn pays
//! only for what is new.

use super::llama::{Token, TokenKind, Weights};
use super::untrusted::BREAK;

/// The tokens of a rendered prompt.
pub(crate) fn tokenize(weights: &Weights, rendered: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(rendered.len() / 3);
    for piece in rendered.split(BREAK) {
        tokens.append(&mut weights.tokenize(piece, true));
    }
    if let Some(opening) = weights.opening_token()
        && tokens.first() != Some(&opening)
    {
        tokens.insert(0, opening);
    }
    tokens
}

/// A prompt that begins as far as possible with tokens that were read before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The tokens to have read before the answer begins.
    pub(crate) tokens: Vec<Token>,
    /// How many of them stand at the beginning of what was read before.
    pub(crate) reused: usize,
}

/// What [`reuse`] needs to know about tokens.
pub(crate) trait Pieces {
    /// The bytes of a token of text; `None` for control tokens, which equal only themselves.
    fn text(&self, token: Token) -> Option<Vec<u8>>;
}

impl Pieces for Weights {
    fn text(&self, token: Token) -> Option<Vec<u8>> {
        match self.kind(token) {
            TokenKind::Text => Some(self.bytes(token)),
            TokenKind::Marker | TokenKind::Control => None,
        }
    }
}

/// Lets `prompt` begin with as much of `read` as says the same.
pub(crate) fn reuse(pieces: &impl Pieces, read: &[Token], prompt: &[Token]) -> Planned {
    let (mut old, mut new) = (0, 0);
    loop {
        while old < read.len() && new < prompt.len() && read[old] == prompt[new] {
            old += 1;
            new += 1;
        }
        let Some((olds, news)) = respelled(pieces, &read[old..], &prompt[new..]) else { break };
        old += olds;
        new += news;
    }
    let mut tokens = read[..old].to_vec();
    tokens.extend_from_slice(&prompt[new..]);
    Planned { tokens, reused: old }
}

/// How many tokens of both sides spell the same text, at least one of each.
fn respelled(pieces: &impl Pieces, read: &[Token], prompt: &[Token]) -> Option<(usize, usize)> {
    /// Longer differences are not worth the search: the text itself differs.
    const FAR: usize = 64;
    let (mut olds, mut news) = (1, 1);
    let mut left = pieces.text(*read.first()?)?;
    let mut right = pieces.text(*prompt.first()?)?;
    while olds <= FAR && news <= FAR {
        if left.len() == right.len() {
            return (left == right).then_some((olds, news));
        }
        let shared = left.len().min(right.len());
        if left[..shared] != right[..shared] {
            return None;
        }
        if left.len() < right.len() {
            left.append(&mut pieces.text(*read.get(olds)?)?);
            olds += 1;
        } else {
            right.append(&mut pieces.text(*prompt.get(news)?)?);
            news += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens below 100 are control; the others are strings.
    struct Table;

    const WORDS: [&str; 7] = ["a", "b", "ab", "abc", "c", "bc", "x"];

    impl Pieces for Table {
        fn text(&self, token: Token) -> Option<Vec<u8>> {
            let index = usize::try_from(token).unwrap().checked_sub(100)?;
            Some(WORDS[index].as_bytes().to_vec())
        }
    }

    #[track_caller]
    fn check(read: &[Token], prompt: &[Token], tokens: &[Token], reused: usize) {
        let expected = Planned { tokens: tokens.to_vec(), reused };
        assert_eq!(reuse(&Table, read, prompt), expected);
    }

    #[test]
    fn equal_tokens_are_reused() {
        check(&[1, 100, 2], &[1, 100, 3], &[1, 100, 3], 2);
        check(&[], &[1], &[1], 0);
        check(&[1, 2], &[1], &[1], 1);
    }

    #[test]
    fn the_same_text_in_other_tokens_is_reused_as_it_was_read() {
        // a + b + c, then 7, read before; abc, then 7, then x asked for.
        check(&[100, 101, 104, 7], &[103, 7, 106], &[100, 101, 104, 7, 106], 4);
        check(&[103, 7], &[102, 104, 7, 8], &[103, 7, 8], 2);
    }

    #[test]
    fn different_text_is_not() {
        check(&[100, 106], &[102], &[102], 0);
        check(&[1, 100], &[1, 103, 9], &[1, 103, 9], 1);
        // A control token is never text.
        check(&[5], &[100], &[100], 0);
    }
}
