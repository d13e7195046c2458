//! Names: of topics, of patterns that choose among them, of queue groups.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most bytes that the name of a topic, a pattern or a queue group may have.
pub const LONGEST: usize = 255;

/// The most words that a topic or pattern may have.
pub const MOST_WORDS: usize = 16;

/// Text that names no topic, pattern or queue group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {why}")]
pub struct Misnamed {
    what: &'static str,
    text: String,
    why: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $why_not:path) => {
        $(#[$doc])*
        ///
        /// One pointer of two words; clones share. As JSON its text.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Misnamed;

            fn from_str(text: &str) -> Result<Self, Misnamed> {
                match $why_not(text) {
                    None => Ok(Self(text.into())),
                    Some(why) => {
                        Err(Misnamed { what: $what, text: text.chars().take(60).collect(), why })
                    }
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Misnamed;

            fn try_from(text: String) -> Result<Self, Misnamed> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

name!(
    /// The name of a topic: words with dots between them, `orders.eu.new`, told apart by case.
    ///
    /// A word is never empty and holds no dots, stars, `>`, white space and control characters; the whole has at most
    /// [`LONGEST`] bytes and [`MOST_WORDS`] words.
    TopicName, "topic", not_a_topic
);

name!(
    /// Which topics are meant: a topic's name in which `*` stands for one word, whichever, and `>` at the end for one or
    /// more. (The wildcards of NATS.)
    TopicPattern, "pattern of topics", not_a_pattern
);

name!(
    /// The name of a queue group: one word as topics have them.
    GroupName, "queue group", not_a_group
);

impl TopicName {
    /// Its words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

impl TopicPattern {
    /// Its words, `*` and `>` among them.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether it means this topic.
    #[must_use]
    pub fn matches(&self, topic: &TopicName) -> bool {
        let mut words = topic.words();
        for own in self.words() {
            match (own, words.next()) {
                (_, None) => return false,
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (own, Some(word)) if own == word => {}
                (_, Some(_)) => return false,
            }
        }
        words.next().is_none()
    }
}

/// A topic is a pattern that means it alone.
impl From<TopicName> for TopicPattern {
    fn from(topic: TopicName) -> Self {
        Self(topic.0)
    }
}

fn not_a_topic(text: &str) -> Option<&'static str> {
    too_long(text).or_else(|| text.split('.').find_map(not_a_word))
}

fn not_a_pattern(text: &str) -> Option<&'static str> {
    let mut words = text.split('.').peekable();
    let wrong = std::iter::from_fn(|| {
        let word = words.next()?;
        Some(match word {
            ">" if words.peek().is_some() => Some("`>` stands at the end alone"),
            ">" | "*" => None,
            word => not_a_word(word),
        })
    });
    too_long(text).or_else(|| wrong.flatten().next())
}

fn not_a_group(text: &str) -> Option<&'static str> {
    too_long(text).or_else(|| match text.contains('.') {
        true => Some("it is one word, without dots"),
        false => not_a_word(text),
    })
}

fn too_long(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return Some("it has more than 255 bytes");
    }
    (text.split('.').count() > MOST_WORDS).then_some("it has more than 16 words")
}

fn not_a_word(word: &str) -> Option<&'static str> {
    if word.is_empty() {
        return Some("a word of it is empty");
    }
    if word.contains(['*', '>']) {
        return Some("`*` and `>` stand in patterns, each as a word of its own");
    }
    let unfit = |c: char| c.is_whitespace() || c.is_control();
    word.contains(unfit).then_some("it holds white space or control characters")
}
