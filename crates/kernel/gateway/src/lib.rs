//! bottega-gateway
