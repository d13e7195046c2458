//! bottega-providers
