//! Contract Net (SC00029) and its iterated form (SC00030): a task is announced, bids are gathered, one is awarded.
//!
//! Announcing: [`Tender`], the initiator among all it asks; underneath, one [`Dialogue`](crate::Dialogue) for each. Bidding:
//! a participant's `Dialogue`, whose owner reads an [`Announcement`] and says a [`Bid`]. Which bid is best is an
//! [`AwardRule`]; what agents are worth is learned by [`Reputation`](crate::Reputation).
//!
//! The contents are JSON objects (language `json`, ontology [`ONTOLOGY`]); the deadline for bids is the call's `reply-by`.

mod award_rule;
mod estimate;
mod offer;
mod tender;
#[cfg(test)]
mod tests;

pub use award_rule::{AWARD_RULES, AwardRule, Candidate, Choice};
pub use estimate::{Past, Prior, estimate};
pub use offer::{Announcement, Award, Bid, Confidence, Delivery, NotAnOffer, ONTOLOGY};
pub use tender::{Tender, TenderDecision, TenderEnding, TenderReport, Terms};
