//! bottega-toolhost
