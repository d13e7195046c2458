//! bottega-client
