//! Holding an answer to a grammar, token by token.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::{Matcher, ParserFactory};
use toktrie::{InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};

use super::llama::{Token, TokenKind, Weights};
use super::template::{CALL_CLOSES, CALL_OPENS};

/// A vocabulary as llguidance reads it.
struct Vocabulary {
    trie: TokTrie,
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        self.trie.greedy_tokenize(bytes)
    }

    /// Greedy pieces are not the model's own; [`Constraint::forced`] tokenises properly.
    fn tokenize_is_canonical(&self) -> bool {
        false
    }
}

/// Turns grammars into constraints for one vocabulary, and remembers the latest.
pub(crate) struct Grammars {
    factory: ParserFactory,
    environment: TokEnv,
    prepared: Vec<(String, Matcher)>,
}

/// Grammars kept ready: a conversation alternates between few.
const PREPARED: usize = 8;

impl Grammars {
    /// Reads the whole vocabulary: some tenths of a second for a large one, once per model.
    pub(crate) fn new(weights: &Weights) -> Result<Self, String> {
        let count = weights.vocabulary_size();
        let mut words = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        let mut ends = Vec::new();
        for token in 0..count {
            if weights.ends_answer(token) {
                ends.push(token.cast_unsigned());
            }
            let bytes = weights.bytes(token);
            let spelled = bytes == CALL_OPENS.as_bytes() || bytes == CALL_CLOSES.as_bytes();
            words.push(match weights.kind(token) {
                TokenKind::Control if !spelled && !bytes.is_empty() => {
                    let mut marked = vec![TokTrie::SPECIAL_TOKEN_MARKER];
                    marked.extend(bytes);
                    marked
                }
                TokenKind::Control | TokenKind::Marker | TokenKind::Text => bytes,
            });
        }
        let Some(end) = ends.first() else {
            return Err("the vocabulary has no token that ends an answer".to_owned());
        };
        let info = TokRxInfo::new(count.cast_unsigned(), *end);
        let trie = TokTrie::from(&info, &words).with_eos_tokens(&ends);
        let environment: TokEnv = Arc::new(Vocabulary { trie });
        let capabilities = InferenceCapabilities { ff_tokens: false, ..Default::default() };
        let slices = llguidance::earley::SlicedBiasComputer::general_slices();
        let mut factory = ParserFactory::new(&environment, capabilities, &slices)
            .map_err(|error| error.to_string())?;
        factory.quiet();
        Ok(Self { factory, environment, prepared: Vec::new() })
    }

    /// A constraint that starts at the beginning of `lark`.
    pub(crate) fn constraint(&mut self, lark: &str) -> Result<Constraint, String> {
        let matcher = match self.prepared.iter().position(|(known, _)| known == lark) {
            Some(index) => self.prepared[index].1.deep_clone(),
            None => {
                let grammar = TopLevelGrammar::from_lark(lark.to_owned());
                let matcher = Matcher::new(self.factory.create_parser(grammar));
                if let Some(why) = matcher.get_error() {
                    return Err(why);
                }
                if self.prepared.len() == PREPARED {
                    self.prepared.remove(0);
                }
                self.prepared.push((lark.to_owned(), matcher.deep_clone()));
                matcher
            }
        };
        Ok(Constraint { matcher, environment: Arc::clone(&self.environment) })
    }
}

/// What may still follow.
pub(crate) struct Constraint {
    matcher: Matcher,
    environment: TokEnv,
}

impl Constraint {
    /// The tokens that may come next.
    pub(crate) fn allowed(&mut self) -> Result<SimpleVob, String> {
        self.matcher.compute_mask_or_eos().map_err(|error| error.to_string())
    }

    /// Goes on by one token.
    pub(crate) fn accept(&mut self, token: Token) -> Result<(), String> {
        self.matcher.consume_token(token.cast_unsigned()).map_err(|error| error.to_string())
    }

    /// Goes on by text that was written before the constraint began. `false` when it can't be.
    pub(crate) fn accept_text(&mut self, text: &str) -> bool {
        let tokens = self.environment.tok_trie().greedy_tokenize(text.as_bytes());
        text.is_empty() || self.matcher.consume_tokens(&tokens).is_ok()
    }

    /// Whether nothing may follow any more.
    pub(crate) fn is_complete(&self) -> bool {
        self.matcher.is_stopped()
    }

    /// The tokens that must come next, already accepted. They need no sampling, and the model reads
    /// them in one go. The last one is left out unless it ends everything, since what follows it
    /// may join it to a longer token.
    pub(crate) fn forced(&mut self, weights: &Weights) -> Vec<Token> {
        let bytes = self.matcher.compute_ff_bytes();
        let Ok(text) = String::from_utf8(bytes) else { return Vec::new() };
        if text.is_empty() {
            return Vec::new();
        }
        let mut tokens = weights.tokenize(&text, false);
        let wire: Vec<u32> = tokens.iter().map(|token| token.cast_unsigned()).collect();
        match self.matcher.try_consume_tokens(&wire) {
            Ok(count) if count == wire.len() => {
                if !self.matcher.is_stopped() && self.matcher.rollback(1).is_ok() {
                    tokens.pop();
                }
                tokens
            }
            Ok(count) => {
                tokens.truncate(count);
                tokens
            }
            Err(_) => Vec::new(),
        }
    }
}
