//! The communicative acts: what a message does by being said.

use std::fmt;
use std::str::FromStr;

/// What a message does by being said: the 22 acts of SC00037, in the order of their bit-efficient codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the catalogue gives each act its meaning")]
pub enum Performative {
    AcceptProposal,
    Agree,
    Cancel,
    Cfp,
    Confirm,
    Disconfirm,
    Failure,
    Inform,
    InformIf,
    InformRef,
    NotUnderstood,
    Propagate,
    Propose,
    Proxy,
    QueryIf,
    QueryRef,
    Refuse,
    RejectProposal,
    Request,
    RequestWhen,
    RequestWhenever,
    Subscribe,
}

/// What kind of thing an act does (SC00037, table of categories).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Passes on what the sender holds true.
    PassingInformation,
    /// Asks for information.
    RequestingInformation,
    /// Bargains.
    Negotiation,
    /// Has something done, or says that it will be, or won't.
    PerformingActions,
    /// Says that something went wrong.
    ErrorHandling,
}

/// Whether an act may be the first of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// It may open one.
    Opens,
    /// It only makes sense after something else.
    Follows,
}

/// One row of the [`PERFORMATIVES`].
#[derive(Clone, Copy, Debug)]
pub struct PerformativeRow {
    /// The act.
    pub act: Performative,
    /// How it is written; reading takes no notice of case.
    pub name: &'static str,
    /// What kind of thing it does.
    pub category: Category,
    /// Where it may stand.
    pub turn: Turn,
    /// What it says, in our words.
    pub meaning: &'static str,
}

const fn row(
    act: Performative,
    name: &'static str,
    category: Category,
    turn: Turn,
    meaning: &'static str,
) -> PerformativeRow {
    PerformativeRow { act, name, category, turn, meaning }
}

/// Every act. A test holds the order to that of [`Performative`].
pub const PERFORMATIVES: [PerformativeRow; 22] = {
    use Category::{
        ErrorHandling as Error, Negotiation as Bargain, PassingInformation as Tell,
        PerformingActions as Act, RequestingInformation as Ask,
    };
    use Performative as P;
    use Turn::{Follows, Opens};
    [
        row(P::AcceptProposal, "accept-proposal", Bargain, Follows, "your proposal is taken"),
        row(P::Agree, "agree", Act, Follows, "I will do it"),
        row(P::Cancel, "cancel", Act, Follows, "I no longer want it done"),
        row(P::Cfp, "cfp", Bargain, Opens, "who would do this, on what terms?"),
        row(P::Confirm, "confirm", Tell, Opens, "what you were unsure of is true"),
        row(P::Disconfirm, "disconfirm", Tell, Opens, "what you held true is false"),
        row(P::Failure, "failure", Error, Follows, "I tried and it did not succeed"),
        row(P::Inform, "inform", Tell, Opens, "this is true"),
        row(P::InformIf, "inform-if", Tell, Opens, "whether this is true"),
        row(P::InformRef, "inform-ref", Tell, Opens, "what fits this description"),
        row(
            P::NotUnderstood,
            "not-understood",
            Error,
            Follows,
            "I can't make sense of what you did",
        ),
        row(P::Propagate, "propagate", Act, Opens, "take this as said to you, and pass it on"),
        row(P::Propose, "propose", Bargain, Opens, "I would do it on these terms"),
        row(P::Proxy, "proxy", Act, Opens, "find agents that fit and say this to them"),
        row(P::QueryIf, "query-if", Ask, Opens, "is this true?"),
        row(P::QueryRef, "query-ref", Ask, Opens, "what fits this description?"),
        row(P::Refuse, "refuse", Act, Follows, "I won't do it, for this reason"),
        row(P::RejectProposal, "reject-proposal", Bargain, Follows, "your proposal is not taken"),
        row(P::Request, "request", Act, Opens, "do this"),
        row(P::RequestWhen, "request-when", Act, Opens, "do this once that holds"),
        row(P::RequestWhenever, "request-whenever", Act, Opens, "do this each time that holds"),
        row(P::Subscribe, "subscribe", Ask, Opens, "tell me what fits, now and when it changes"),
    ]
};

impl Performative {
    /// What the catalogue says about it.
    #[must_use]
    pub const fn row(self) -> &'static PerformativeRow {
        &PERFORMATIVES[self as usize]
    }

    /// How it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What kind of thing it does.
    #[must_use]
    pub const fn category(self) -> Category {
        self.row().category
    }

    /// Whether it may be the first of a conversation.
    #[must_use]
    pub const fn opens(self) -> bool {
        matches!(self.row().turn, Turn::Opens)
    }

    /// All acts, in the order of the catalogue.
    pub fn all() -> impl Iterator<Item = Self> {
        PERFORMATIVES.iter().map(|row| row.act)
    }

    /// Whether whoever says it waits to hear how it went (SC00037).
    #[must_use]
    pub const fn wants_answer(self) -> bool {
        match self {
            Self::AcceptProposal
            | Self::Cancel
            | Self::Cfp
            | Self::Propagate
            | Self::Propose
            | Self::Proxy
            | Self::QueryIf
            | Self::QueryRef
            | Self::Request
            | Self::RequestWhen
            | Self::RequestWhenever
            | Self::Subscribe => true,
            Self::Agree
            | Self::Confirm
            | Self::Disconfirm
            | Self::Failure
            | Self::Inform
            | Self::InformIf
            | Self::InformRef
            | Self::NotUnderstood
            | Self::Refuse
            | Self::RejectProposal => false,
        }
    }

    /// Whether it tells of an error, and so is never itself answered with `not-understood`: two agents that don't
    /// understand each other would tell each other so for ever (SC00037, not-understood).
    #[must_use]
    pub const fn ends_talk(self) -> bool {
        matches!(self.category(), Category::ErrorHandling)
    }
}

impl fmt::Display for Performative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no communicative act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no performative; there are 22, such as request, inform and cfp")]
pub struct NotAPerformative(String);

impl FromStr for Performative {
    type Err = NotAPerformative;

    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, NotAPerformative> {
        PERFORMATIVES
            .iter()
            .find(|row| row.name.eq_ignore_ascii_case(text))
            .map(|row| row.act)
            .ok_or_else(|| NotAPerformative(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole_and_in_order() {
        for (index, row) in PERFORMATIVES.iter().enumerate() {
            assert_eq!(row.act as usize, index, "{}", row.name);
            assert_eq!(row.name.parse(), Ok(row.act));
            assert_eq!(row.name.to_uppercase().parse(), Ok(row.act));
            assert!(!row.meaning.is_empty());
        }
        assert_eq!(PERFORMATIVES.map(|row| row.name).iter().max(), Some(&"subscribe"));
        assert!(PERFORMATIVES.is_sorted_by_key(|row| row.name), "the codes follow the alphabet");
    }

    #[test]
    fn a_word_that_is_none_is_named() {
        let refusal = "shout".parse::<Performative>().unwrap_err().to_string();
        assert!(refusal.starts_with("`shout` is no performative"), "{refusal}");
    }
}
