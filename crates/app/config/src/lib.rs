//! bottega-config
