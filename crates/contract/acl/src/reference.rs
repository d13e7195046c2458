//! Names of conversations and messages, ours and those of others.

use std::fmt;
use std::sync::Arc;

use bottega_types::{ConversationId, MessageId};

/// An identifier that Bottega gave, as it prints and as its bits.
pub trait Named: Copy + fmt::Display {
    /// Reads what printing gave.
    fn parse(text: &str) -> Option<Self>;
    /// All its bits.
    fn to_bits(self) -> u128;
    /// The one with these bits.
    fn of_bits(bits: u128) -> Self;
}

macro_rules! named {
    ($($id:ident)*) => {$(
        impl Named for $id {
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn to_bits(self) -> u128 {
                self.bits()
            }

            fn of_bits(bits: u128) -> Self {
                Self::from_bits(bits)
            }
        }
    )*};
}

named! { ConversationId MessageId }

/// The name of a conversation or message: an identifier of ours, which costs no memory beside, or whatever another
/// platform wrote. 24 bytes; clones share.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference<Id>(Repr, std::marker::PhantomData<Id>);

/// Names a conversation.
pub type ConversationRef = Reference<ConversationId>;
/// Names a message.
pub type MessageRef = Reference<MessageId>;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    // Two halves: one u128 would align every message to 16 bytes.
    Ours(u64, u64),
    Theirs(Arc<str>),
}

impl<Id: Named> Reference<Id> {
    /// Reads what a message says. Every text is a name; one that an identifier of ours prints as is that identifier.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match Id::parse(text).filter(|id| id.to_string() == text) {
            Some(id) => Self::from(id),
            None => Self(Repr::Theirs(text.into()), std::marker::PhantomData),
        }
    }

    /// The identifier, when Bottega gave it.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        match &self.0 {
            Repr::Ours(high, low) => Some(Id::of_bits(u128::from(*high) << 64 | u128::from(*low))),
            Repr::Theirs(_) => None,
        }
    }
}

impl<Id: Named> From<Id> for Reference<Id> {
    fn from(id: Id) -> Self {
        let bits = id.to_bits();
        Self(Repr::Ours((bits >> 64) as u64, bits as u64), std::marker::PhantomData)
    }
}

impl<Id: Named> fmt::Display for Reference<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0, self.id()) {
            (Repr::Theirs(text), _) => f.pad(text),
            (Repr::Ours(..), Some(id)) => fmt::Display::fmt(&id, f),
            (Repr::Ours(..), None) => Ok(()),
        }
    }
}

impl<Id: Named> fmt::Debug for Reference<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_known_and_others_kept_to_the_letter() {
        let id = ConversationId::from_bits(7 << 64 | 9);
        let ours = ConversationRef::new(&id.to_string());
        assert_eq!((ours.id(), ours.to_string()), (Some(id), id.to_string()));
        for text in ["C1_177", "", "msg_0", &id.to_string().to_uppercase()] {
            let theirs = ConversationRef::new(text);
            assert_eq!((theirs.id(), theirs.to_string()), (None, text.to_owned()));
        }
        assert_eq!(size_of::<Option<ConversationRef>>(), 24);
    }
}
