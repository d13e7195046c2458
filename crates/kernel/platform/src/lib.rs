//! bottega-platform
