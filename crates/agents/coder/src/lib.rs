//! bottega-coder
