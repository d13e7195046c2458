//! bottega-sandbox-linux
