//! bottega-agent
