//! bottega-local-model
