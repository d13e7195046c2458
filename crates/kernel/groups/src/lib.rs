//! Agents that speak to many without knowing them: topics, queue groups and the blackboard.
//!
//! What it is: [`Exchange`], the agent `topics`, to whom is said what all who subscribed are to hear; and [`Blackboard`], the
//! agent `blackboard`, which keeps named entries and publishes each change of theirs.
//! What it is not: it chooses nobody and decides nothing. The tables of `bottega-acl` do
//! ([`Topics`](bottega_acl::topic::Topics), [`Board`](bottega_acl::blackboard::Board)); messages travel through
//! `bottega-agency` like everybody's.
//!
//! One publication: a request, or a call → who subscribed (a table in memory) → each one's mailbox or mail, as its delivery
//! class says; of a queue group to the next member when one can't. One change of the board: a wish → the table decides →
//! the journal → folded in → published on `blackboard.NAME`.
//!
//! Invariants
//! * Who subscribed is stored before it counts, and lasts until it is taken back or the agent is gone.
//! * Of a queue group one member gets a publication, and another only when that one can't.
//! * A change of the board is published after it was stored, in the order in which it happened, also after `kill -9`. Who
//!   can't be told of it then, for a full mailbox or a failing store, is passed over.
//! * A durable wish that comes twice is carried out once, and hears the same words.

mod blackboard;
mod board_view;
mod error;
mod exchange;
mod subscription_view;

pub use blackboard::{Blackboard, Carried, Wish};
pub use board_view::BoardView;
pub use error::GroupError;
pub use exchange::{Exchange, Options, Publication, Published};
pub use subscription_view::SubscriptionView;
