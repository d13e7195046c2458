//! The interaction protocols, and how a message names one.

use std::fmt;
use std::sync::Arc;

use crate::Performative;

/// A protocol whose rules this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the catalogue gives each protocol its meaning")]
pub enum Protocol {
    Request,
    RequestWhen,
    Query,
    Subscribe,
    ContractNet,
    IteratedContractNet,
    Brokering,
}

/// One row of the [`PROTOCOLS`].
#[derive(Clone, Copy, Debug)]
pub struct ProtocolRow {
    /// The protocol.
    pub protocol: Protocol,
    /// How messages name it.
    pub name: &'static str,
    /// The FIPA document that defines it.
    pub document: &'static str,
    /// The acts that open it.
    pub opened_by: &'static [Performative],
    /// What it is for, in our words.
    pub meaning: &'static str,
}

/// Every protocol, in the order of [`Protocol`]. Of two that the same act opens, the first is meant when none is named.
pub const PROTOCOLS: [ProtocolRow; 7] = {
    use Performative as P;
    [
        ProtocolRow {
            protocol: Protocol::Request,
            name: "fipa-request",
            document: "SC00026",
            opened_by: &[P::Request],
            meaning: "have one agent do something",
        },
        ProtocolRow {
            protocol: Protocol::RequestWhen,
            name: "fipa-request-when",
            document: "SC00028",
            opened_by: &[P::RequestWhen],
            meaning: "have one agent do something once a condition holds",
        },
        ProtocolRow {
            protocol: Protocol::Query,
            name: "fipa-query",
            document: "SC00027",
            opened_by: &[P::QueryIf, P::QueryRef],
            meaning: "ask one agent whether, or what",
        },
        ProtocolRow {
            protocol: Protocol::Subscribe,
            name: "fipa-subscribe",
            document: "SC00035",
            opened_by: &[P::Subscribe],
            meaning: "be told now and at every change, until cancelled",
        },
        ProtocolRow {
            protocol: Protocol::ContractNet,
            name: "fipa-contract-net",
            document: "SC00029",
            opened_by: &[P::Cfp],
            meaning: "announce a task, gather bids, award it",
        },
        ProtocolRow {
            protocol: Protocol::IteratedContractNet,
            name: "fipa-iterated-contract-net",
            document: "SC00030",
            opened_by: &[P::Cfp],
            meaning: "the same in several rounds with revised calls",
        },
        ProtocolRow {
            protocol: Protocol::Brokering,
            name: "fipa-brokering",
            document: "SC00033",
            opened_by: &[P::Proxy],
            meaning: "have a broker find agents, ask them, and bring their replies",
        },
    ]
};

impl Protocol {
    /// What the catalogue says about it.
    #[must_use]
    pub const fn row(self) -> &'static ProtocolRow {
        &PROTOCOLS[self as usize]
    }

    /// How messages name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Whether `act` is the first message of it.
    #[must_use]
    pub fn is_opened_by(self, act: Performative) -> bool {
        self.row().opened_by.contains(&act)
    }

    /// The protocol that an act opens when the message names none.
    #[must_use]
    pub fn opened_with(act: Performative) -> Option<Self> {
        PROTOCOLS.iter().find(|row| row.opened_by.contains(&act)).map(|row| row.protocol)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The protocol that a message names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProtocolName {
    /// One that has a machine here.
    Known(Protocol),
    /// Another one, by its name.
    // The box keeps a message small: a fat pointer would cost each of them eight bytes more.
    Other(Arc<Box<str>>),
}

impl ProtocolName {
    /// Reads a name; known ones in any case.
    #[must_use]
    pub fn new(text: &str) -> Self {
        PROTOCOLS
            .iter()
            .find(|row| row.name.eq_ignore_ascii_case(text))
            .map_or_else(|| Self::Other(Arc::new(text.into())), |row| Self::Known(row.protocol))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(protocol) => protocol.as_str(),
            Self::Other(name) => name,
        }
    }
}

impl From<Protocol> for ProtocolName {
    fn from(protocol: Protocol) -> Self {
        Self::Known(protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole_and_in_order() {
        for (index, row) in PROTOCOLS.iter().enumerate() {
            assert_eq!(row.protocol as usize, index, "{}", row.name);
            assert_eq!(
                ProtocolName::new(&row.name.to_uppercase()),
                ProtocolName::Known(row.protocol)
            );
            assert!(row.opened_by.iter().all(|act| act.opens()), "{}", row.name);
        }
        assert_eq!(Protocol::opened_with(Performative::Cfp), Some(Protocol::ContractNet));
        assert_eq!(Protocol::opened_with(Performative::Inform), None);
    }
}
