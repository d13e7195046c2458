//! bottega-api
