//! bottega-testkit
