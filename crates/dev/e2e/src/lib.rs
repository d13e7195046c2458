//! bottega-e2e
