//! Text and the bytes it came from.

use bottega_tool::Encoding;

use crate::bytes_as_text;

const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
const UTF16_LITTLE_MARK: &[u8] = &[0xFF, 0xFE];
const UTF16_BIG_MARK: &[u8] = &[0xFE, 0xFF];

/// The text that `bytes` hold, or `None` when they hold none.
///
/// What has a NUL in it is no text, and neither is what is not Unicode and has control characters that
/// no single-byte text has. [`encode`] with the encoding found gives back the same bytes.
pub(crate) fn decode(bytes: &[u8]) -> Option<(String, Encoding)> {
    if let Some(rest) = bytes.strip_prefix(UTF8_MARK)
        && let Ok(text) = std::str::from_utf8(rest)
    {
        return (!rest.contains(&0)).then(|| (text.to_owned(), Encoding::Utf8 { bom: true }));
    }
    for (mark, big_endian) in [(UTF16_LITTLE_MARK, false), (UTF16_BIG_MARK, true)] {
        if let Some(rest) = bytes.strip_prefix(mark)
            && let Some(text) = utf16(rest, big_endian)
        {
            return Some((text, Encoding::Utf16 { big_endian }));
        }
    }
    if bytes.contains(&0) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some((text.to_owned(), Encoding::Utf8 { bom: false })),
        Err(_) if bytes.iter().copied().any(is_control) => None,
        Err(_) if is_broken_utf8(bytes) => Some((bytes_as_text::told(bytes), Encoding::BrokenUtf8)),
        Err(_) => Some((bytes.iter().copied().map(char::from).collect(), Encoding::Latin1)),
    }
}

/// The bytes of `text` in that encoding, or the first character that it has no place for.
pub(crate) fn encode(text: &str, encoding: Encoding) -> Result<Vec<u8>, char> {
    match encoding {
        Encoding::Utf8 { bom: false } => Ok(text.as_bytes().to_vec()),
        Encoding::Utf8 { bom: true } => Ok([UTF8_MARK, text.as_bytes()].concat()),
        Encoding::Utf16 { big_endian: false } => Ok(UTF16_LITTLE_MARK
            .iter()
            .copied()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect()),
        Encoding::Utf16 { big_endian: true } => Ok(UTF16_BIG_MARK
            .iter()
            .copied()
            .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
            .collect()),
        Encoding::BrokenUtf8 => Ok(bytes_as_text::meant(text)),
        Encoding::Latin1 => text.chars().map(|char| u8::try_from(char).map_err(|_| char)).collect(),
    }
}

/// Whether bytes that are not UTF-8 as a whole are more likely UTF-8 with faults than a single-byte encoding: in those,
/// what happens to be UTF-8 beyond ASCII is rarer than what is not.
fn is_broken_utf8(bytes: &[u8]) -> bool {
    let (mut characters, mut faults) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        characters += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        faults += usize::from(!chunk.invalid().is_empty());
    }
    characters >= faults
}

fn utf16(bytes: &[u8], big_endian: bool) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else { return None };
    let read = if big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
    let text: String =
        char::decode_utf16(units.iter().copied().map(read)).collect::<Result<_, _>>().ok()?;
    (!text.contains('\0')).then_some(text)
}

/// Control characters other than backspace, white space and escape.
const fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=7 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<(&str, Encoding)>) {
        let actual = decode(bytes);
        assert_eq!(actual.as_ref().map(|(text, encoding)| (text.as_str(), *encoding)), expected);
    }

    #[test]
    fn each_encoding_is_known_by_its_bytes() {
        check(b"", Some(("", Encoding::Utf8 { bom: false })));
        check("a\r\nä".as_bytes(), Some(("a\r\nä", Encoding::Utf8 { bom: false })));
        check(b"\xEF\xBB\xBFa", Some(("a", Encoding::Utf8 { bom: true })));
        check(b"\xFF\xFEa\0\n\0", Some(("a\n", Encoding::Utf16 { big_endian: false })));
        check(b"\xFE\xFF\0a\xD8\x3D\xDE\0", Some(("a😀", Encoding::Utf16 { big_endian: true })));
        check(b"caf\xE9 \x93x\x94\n", Some(("café \u{93}x\u{94}\n", Encoding::Latin1)));
    }

    #[test]
    fn faults_in_utf8_stay_what_they_are() {
        let bytes = "häßlich \u{fffd}".as_bytes();
        let broken = [bytes, b"\xff\n"].concat();
        let text = "häßlich \u{fffd}ef\u{fffd}bf\u{fffd}bd\u{fffd}ff\n";
        check(&broken, Some((text, Encoding::BrokenUtf8)));
        // What is written into it is UTF-8 like the rest.
        let inserted = encode(&text.replace("häß", "löß"), Encoding::BrokenUtf8).unwrap();
        assert!(inserted.starts_with("lößlich".as_bytes()) && inserted.ends_with(b"\xff\n"));
    }

    #[test]
    fn what_is_no_text_is_not_decoded() {
        check(b"a\0b", None);
        check(b"\xEF\xBB\xBFa\0", None);
        check(b"\x7FELF\x02\xFF", None);
        check(b"\xFF\xFE\0\0a\0\0\0", None); // UTF-32
        check(b"\xFE\xFF\xD8\x3D\0a", None); // half of a surrogate pair
    }

    #[test]
    fn a_character_without_a_place_is_named() {
        assert_eq!(encode("a€", Encoding::Latin1), Err('€'));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_bytes(
            mark in prop_oneof![Just(&b""[..]), Just(UTF8_MARK), Just(UTF16_LITTLE_MARK), Just(UTF16_BIG_MARK)],
            rest in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = [mark, &rest].concat();
            if let Some((text, encoding)) = decode(&bytes) {
                prop_assert_eq!(encode(&text, encoding), Ok(bytes));
            }
        }
    }
}
