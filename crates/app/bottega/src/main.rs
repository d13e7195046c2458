//! bottega
fn main() {}
