//! bottega-event
