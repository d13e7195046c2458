//! Whole-binary scenarios, one file per promise.
//!
//! What it is: tests that run the real `bottega` in a home and a workspace of its own, against a provider that
//! follows a script over real HTTP, and look at nothing but what a person or a script sees: output, exit
//! codes, files, and what reached the provider.
//! What it is not: a library; everything is in `tests/it`, and what is measured is in `benches`.
