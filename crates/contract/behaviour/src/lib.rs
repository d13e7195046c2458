//! bottega-behaviour
