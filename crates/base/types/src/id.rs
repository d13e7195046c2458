//! Every identifier of the product, in one list.
//!
//! An identifier is a ULID (time first, so that they sort by age) printed with the prefix of its
//! kind: `ses_01k9…`. Parsing accepts exactly what printing gave.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::{Entropy, Timestamp};

/// Text that does not name what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}; one looks like `{prefix}_01jd3k…`")]
pub struct NotAnId {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// A fresh one: `at` gives its order, `entropy` its uniqueness.
            #[must_use]
            pub fn new(at: Timestamp, entropy: &dyn Entropy) -> Self {
                let random = u128::from(entropy.bits()) << 64 | u128::from(entropy.bits());
                Self(Ulid::from_parts(at.as_millis(), random).0)
            }

            /// The one whose bits these are; for identifiers that are derived from others.
            #[must_use]
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// All bits of this one.
            #[must_use]
            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), Ulid(self.0).to_string().to_lowercase())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| !rest.bytes().any(|byte| byte.is_ascii_uppercase()))
                    .and_then(|rest| Ulid::from_string(rest).ok())
                    .map(|ulid| Self(ulid.0))
                    .ok_or_else(|| NotAnId { text: text.to_owned(), kind: $kind, prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// One piece of work with one agent, from its first task to its end.
    SessionId, "ses", "session";
    /// One agent that the platform hosts.
    AgentId, "agt", "agent";
    /// One call of a model or of a tool.
    CallId, "cal", "call";
    /// One command; repeating a command with the same id has no second effect.
    CommandId, "cmd", "command";
    /// Something that a person allowed for more than one call.
    GrantId, "grt", "grant";
    /// One exchange of messages between agents, with one purpose.
    ConversationId, "cnv", "conversation";
    /// One message of a conversation, as far as answers name it.
    MessageId, "msg", "message";
    /// One task that was put out to tender among agents.
    TenderId, "tnd", "tender";
}

impl CommandId {
    /// The command that is the `index`-th consequence of this one.
    ///
    /// Deterministic, so that carrying on after a crash repeats the same ids.
    #[must_use]
    pub fn nth(self, index: u64) -> Self {
        let digest = crate::Digest::of_parts(&[&self.0.to_le_bytes(), &index.to_le_bytes()]);
        let mut low = [0; 16];
        low.copy_from_slice(&digest.as_bytes()[..16]);
        Self(u128::from_le_bytes(low))
    }
}

impl MessageId {
    /// The `index`-th message that `speaker` says in a conversation.
    ///
    /// Deterministic, so that a machine needs no entropy to name what it says, and says the same after a crash.
    #[must_use]
    pub fn nth(conversation: ConversationId, speaker: &str, index: u64) -> Self {
        let digest = crate::Digest::of_parts(&[
            &conversation.0.to_le_bytes(),
            speaker.as_bytes(),
            &index.to_le_bytes(),
        ]);
        let mut low = [0; 16];
        low.copy_from_slice(&digest.as_bytes()[..16]);
        Self(u128::from_le_bytes(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seeded;

    #[test]
    fn what_was_printed_parses_back() {
        let id = SessionId::new(Timestamp::from_millis(1_763_600_000_000), &Seeded::new(3));
        let text = id.to_string();
        assert!(text.starts_with("ses_"), "{text}");
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn one_kind_never_passes_for_another() {
        let id = AgentId::new(Timestamp::from_millis(5), &Seeded::new(3));
        let refusal = id.to_string().parse::<SessionId>().unwrap_err().to_string();
        assert!(refusal.contains("is not a session"), "{refusal}");
    }

    #[test]
    fn later_ones_sort_later() {
        let entropy = Seeded::new(9);
        let early = CallId::new(Timestamp::from_millis(1), &entropy);
        let late = CallId::new(Timestamp::from_millis(2), &entropy);
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn consequences_differ_and_repeat() {
        let command = CommandId::from_bits(42);
        assert_eq!(command.nth(1), command.nth(1));
        assert_ne!(command.nth(1), command.nth(2));
    }

    #[test]
    fn messages_are_named_by_conversation_speaker_and_number() {
        let [one, two] = [1, 2].map(ConversationId::from_bits);
        let name = MessageId::nth(one, "a@p", 1);
        assert_eq!(name, MessageId::nth(one, "a@p", 1));
        for other in [(two, "a@p", 1), (one, "b@p", 1), (one, "a@p", 2)] {
            assert_ne!(name, MessageId::nth(other.0, other.1, other.2));
        }
    }
}
