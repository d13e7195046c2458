//! Paths as text, those that are not UTF-8 too.
//!
//! Linux takes any bytes for a name, and a path is told, stored and asked for as text: what is told leads back to the same
//! file.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::bytes_as_text;

/// The path as text.
pub(crate) fn told(path: &Path) -> String {
    bytes_as_text::told(path.as_os_str().as_bytes())
}

/// The path that a text means.
pub(crate) fn meant(text: &str) -> PathBuf {
    OsString::from_vec(bytes_as_text::meant(text)).into()
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
