//! Text as a `bottega.toml`: read, or refused with its problems in words.

#![no_main]

use bottega_manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = Manifest::parse(text) {
        assert!(!problems.to_string().is_empty());
    }
});
