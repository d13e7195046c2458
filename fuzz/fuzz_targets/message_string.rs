//! Bytes as a message in the string encoding (SC00070): read or refused, and what was read is written as it was.

#![no_main]

use bottega_acl::string::{decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = decode(bytes) {
        assert_eq!(decode(&encode(&message)).as_ref(), Ok(&message));
    }
});
