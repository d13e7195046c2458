//! Tenders among agents that live: from the call for bids to the result, through crashes and kills.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tendering;
mod world;
