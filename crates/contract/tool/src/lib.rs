//! bottega-tool
