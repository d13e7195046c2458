//! bottega-store
