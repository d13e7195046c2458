//! Encodings, line ends, marks: what is not changed stays to the byte.

use bottega_types::Digest;
use proptest::prelude::*;

use crate::world::{World, word};

/// Reads a file of these bytes, swaps `a` for `b` in its text, and looks at the bytes.
#[track_caller]
fn check(before: &[u8], after: &[u8]) {
    let world = World::new(&[("f", before)]);
    let (text, digest) = world.read("f").unwrap();
    let written = world.write("f", &text.replace('a', "b"), Some(digest)).unwrap();
    assert_eq!(world.on_disk("f").as_deref(), Some(after));
    assert_eq!(written.before.as_deref(), Some(before));
    assert_eq!((written.after.as_slice(), written.digest), (after, Digest::of(after)));
}

#[test]
fn an_edit_keeps_what_it_did_not_touch() {
    check(b"a\r\nx\r\n", b"b\r\nx\r\n");
    check(b"a\nx", b"b\nx");
    check(b"\ta\r\n  a\n", b"\tb\r\n  b\n");
    check(b"\xEF\xBB\xBFa\n", b"\xEF\xBB\xBFb\n");
    check(b"\xFF\xFEa\0\xE4\0\n\0", b"\xFF\xFEb\0\xE4\0\n\0");
    check(b"\xFE\xFF\0a\0\n", b"\xFE\xFF\0b\0\n");
    check(b"caf\xE9 \x80\x9F a\n", b"cbf\xE9 \x80\x9F b\n");
}

#[test]
fn a_very_long_line_is_a_line() {
    let long = "x".repeat(3 << 20);
    check(format!("a{long}a").as_bytes(), format!("b{long}b").as_bytes());
}

#[test]
fn a_character_that_the_encoding_lacks_is_refused_and_nothing_changes() {
    let world = World::new(&[("f", b"caf\xE9")]);
    let (_, digest) = world.read("f").unwrap();
    for text in ["10 €", "語"] {
        let refused = format!("no place for {}", text.chars().last().unwrap());
        assert_eq!(word(world.write("f", text, Some(digest))), refused);
    }
    assert_eq!(world.on_disk("f").as_deref(), Some(&b"caf\xE9"[..]));
    // Of so little nobody can say what it is.
    world.put("f", b"\x83\x65 a");
    let (_, digest) = world.read("f").unwrap();
    assert_eq!(word(world.write("f", "ä", Some(digest))), "no place for ä");
}

#[test]
fn binary_files_are_known_and_never_written_as_text() {
    let world = World::new(&[("f", b"\x89PNG\r\n\x1a\n\0\0")]);
    let (text, digest) = world.read("f").unwrap();
    assert_eq!(text, "BINARY");
    assert!(word(world.write("f", "text", Some(digest))).contains("binary"));
    assert_eq!(world.on_disk("f").as_deref(), Some(&b"\x89PNG\r\n\x1a\n\0\0"[..]));
}

#[test]
fn text_that_would_make_a_file_binary_is_refused() {
    let world = World::new(&[("f", b"a\n")]);
    let (_, digest) = world.read("f").unwrap();
    assert!(word(world.write("f", "a\0b\n", Some(digest))).contains("control characters"));
    assert!(word(world.write("new", "\0", None)).contains("control characters"));
    assert_eq!(world.on_disk("f").as_deref(), Some(&b"a\n"[..]));
    assert_eq!(world.on_disk("new"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn writing_what_was_read_leaves_the_bytes(
        mark in prop_oneof![Just(&b""[..]), Just(&b"\xEF\xBB\xBF"[..]), Just(&b"\xFF\xFE"[..]), Just(&b"\xFE\xFF"[..])],
        rest in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let bytes = [mark, &rest].concat();
        let world = World::new(&[("f", &bytes)]);
        let (text, digest) = world.read("f").unwrap();
        prop_assert_eq!(digest, Digest::of(&bytes));
        if text != "BINARY" {
            world.write("f", &text, Some(digest)).unwrap();
        }
        prop_assert_eq!(world.on_disk("f"), Some(bytes));
    }
}
