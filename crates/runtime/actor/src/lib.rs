//! bottega-actor
