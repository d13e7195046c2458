//! bottega-workspace
