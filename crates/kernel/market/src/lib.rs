//! The market: tasks are put out to tender among agents, and given to one of them (Contract Net, SC00029 and SC00030).
//!
//! What it is: [`Market`], an agent of its own that calls for bids, awards, and awards anew when the winner fails or is
//! silent; and [`TenderView`] and [`ReputationView`], folded from what happened.
//! What it is not: it makes no choice. The machine of `bottega-acl` does ([`Tender`](bottega_acl::contract_net::Tender)),
//! by a rule that whoever opens a tender names; messages travel through `bottega-agency` like everybody's.
//!
//! One step of a tender: an answer, a deadline or a decision → `case` (pure: what happened and what follows) → the
//! journal → messages and the next deadline.
//!
//! Invariants
//! * A tender goes on after `kill -9` where its journal ends. Each of its messages is named by its number, so that one that
//!   was sent twice is stored once.
//! * Nothing is said before what it follows from is stored.
//! * What somebody is worth for a skill follows from how its awards ended, and from nothing else.

mod auctioneer;
mod case;
mod deadlines;
mod floor;
mod market;
mod order;
mod reputation_view;
mod tender_view;

pub use market::{Market, MarketError, Options};
pub use order::{Order, OrderError};
pub use reputation_view::{ReputationRow, ReputationView};
pub use tender_view::{BidRow, TenderRow, TenderState, TenderView};
