//! Brokering (SC00033).

/// The user-defined parameter by which a broker marks a reply that it passes on, with the name of who gave it.
pub const RELAYED_FROM: &str = "X-relayed-from";
