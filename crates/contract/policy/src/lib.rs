//! bottega-policy
