//! Paths as text, those that are not UTF-8 too.
//!
//! Linux takes any bytes for a name, and a path is told, stored and asked for as text. A byte that is no part of UTF-8
//! is written as `\u{fffd}` and its two hex digits, and so are the bytes of a `\u{fffd}` that stands in a name: what is
//! told leads back to the same file.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const MARK: char = char::REPLACEMENT_CHARACTER;

/// The path as text.
pub(crate) fn told(path: &Path) -> String {
    let mut text = String::new();
    let escape = |text: &mut String, bytes: &[u8]| {
        bytes.iter().for_each(|byte| text.push_str(&format!("{MARK}{byte:02x}")));
    };
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                MARK => escape(&mut text, MARK.encode_utf8(&mut [0; 3]).as_bytes()),
                other => text.push(other),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// The path that a text means.
pub(crate) fn meant(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        bytes.extend_from_slice(before.as_bytes());
        // Below 0x80 every byte is UTF-8: a text must not mean a `/` or a `.` that nobody sees in it.
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|byte| *byte >= 0x80) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.extend_from_slice(MARK.encode_utf8(&mut [0; 3]).as_bytes());
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn every_name_leads_back(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let path = PathBuf::from(OsString::from_vec(bytes));
            prop_assert_eq!(meant(&told(&path)), path);
        }

        #[test]
        fn marked_names_lead_back(text in "[\u{fffd}ef80a]{0,8}") {
            prop_assert_eq!(meant(&told(Path::new(&text))), Path::new(&text));
        }
    }

    #[test]
    fn text_is_told_and_meant_as_it_is() {
        assert_eq!(told(Path::new("src/münze.rs")), "src/münze.rs");
        assert_eq!(
            told(&PathBuf::from(OsString::from_vec(b"bad\xff.txt".to_vec()))),
            "bad\u{fffd}ff.txt"
        );
        for text in ["a\u{fffd}", "\u{fffd}zz", "\u{fffd}2f\u{fffd}2e", "\u{fffd}+f", "\u{fffd}ü"]
        {
            assert_eq!(meant(text), Path::new(text), "{text}");
        }
    }
}
