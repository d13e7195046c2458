//! Brokering (SC00033): a broker finds agents that fit, says to them what it was given, and brings back their replies.
//!
//! The initiator's side is a [`Dialogue`](crate::Dialogue) of [`Protocol::Brokering`](crate::Protocol::Brokering) whose
//! opening word is an [`Errand`]. The other side is a [`Broker`]: that dialogue's participant, and the initiator of one
//! dialogue with each agent it asks. Replies that it passes on are marked with [`RELAYED_FROM`]; its own inform, without the
//! mark, says that no more will come.

mod broker;
mod errand;
#[cfg(test)]
mod tests;

pub use broker::{Broker, BrokerDecision, BrokerReport};
pub use errand::{Errand, NotAnErrand, Reach};

/// The user-defined parameter by which a broker marks a reply that it passes on, with the name of who gave it.
pub const RELAYED_FROM: &str = "X-relayed-from";
