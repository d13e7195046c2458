//! bottega-cli
