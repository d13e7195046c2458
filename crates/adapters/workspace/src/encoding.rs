//! Text and the bytes it came from.

use bottega_tool::Encoding;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::EncoderResult;

use crate::bytes_as_text;

const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
const UTF16_LITTLE_MARK: &[u8] = &[0xFF, 0xFE];
const UTF16_BIG_MARK: &[u8] = &[0xFE, 0xFF];

/// Bytes beyond ASCII from which an encoding is guessed well: of one byte a character, of several.
const ENOUGH: [usize; 2] = [16, 32];

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
    if is_shifted(bytes) {
        return Some((bytes.iter().copied().map(char::from).collect(), Encoding::Latin1));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some((text.to_owned(), Encoding::Utf8 { bom: false })),
        Err(_) if bytes.iter().copied().any(is_control) => None,
        Err(_) if is_broken_utf8(bytes) => Some((bytes_as_text::told(bytes), Encoding::BrokenUtf8)),
        Err(_) => Some(legacy(bytes)),
    }
}

/// The text in the encoding that it most likely has, if the same bytes come back from it.
fn legacy(bytes: &[u8]) -> (String, Encoding) {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guessed = detector.guess(None, Utf8Detection::Deny);
    let (text, faults) = guessed.decode_without_bom_handling(bytes);
    if !faults && in_legacy(&text, guessed).is_ok_and(|same| same == bytes) {
        let beyond = bytes.iter().filter(|byte| !byte.is_ascii()).count();
        let known = if guessed.is_single_byte() {
            let accents = guessed == encoding_rs::WINDOWS_1252 && has_accents_only(&text);
            (beyond >= ENOUGH[0] || accents) && is_plausible(&text)
        } else {
            beyond >= ENOUGH[1]
        };
        return (text.into_owned(), Encoding::Legacy { name: guessed.name(), known });
    }
    (bytes.iter().copied().map(char::from).collect(), Encoding::Latin1)
}

/// Whether the text is ASCII in which escape sequences (ISO 2022, RFC 1468) or tildes (HZ, RFC 1843) begin other
/// characters.
fn is_shifted(bytes: &[u8]) -> bool {
    // Most files have neither, which is found out at a glance.
    let (escapes, tildes) = (bytes.contains(&0x1b), bytes.contains(&b'~'));
    if !(escapes || tildes) || !bytes.is_ascii() {
        return false;
    }
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let iso: [&[u8]; 5] = [b"\x1b$B", b"\x1b$@", b"\x1b$A", b"\x1b$)", b"\x1b(I"];
    escapes && iso.into_iter().any(has) || tildes && has(b"~{") && has(b"~}")
}

/// Whether text of a single-byte encoding reads as text: code pages of other systems have letters where this one has
/// signs, and capitals where it has small letters.
fn is_plausible(text: &str) -> bool {
    const SIGNS: &str = "“”„‘’–—…€£§°«»©®™·•¿¡№\u{a0}";
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        if !character.is_ascii() {
            let inside = before.is_alphabetic() && after.is_alphabetic();
            let sign = SIGNS.contains(character) && (!inside || "’‘·–—".contains(character));
            if !character.is_alphabetic() && !sign {
                return false;
            }
        }
        let grows = before.is_lowercase() && character.is_uppercase();
        if grows && !(before.is_ascii() && character.is_ascii()) {
            return false;
        }
        before = character;
    }
    true
}

/// Whether each character beyond ASCII is a letter alone among letters of ASCII, as in `café`: words in other alphabets
/// have several in a row.
fn has_accents_only(text: &str) -> bool {
    let mut characters = text.chars().peekable();
    let (mut before, mut stands) = (' ', true);
    while let Some(character) = characters.next() {
        if !character.is_ascii() {
            let after = characters.peek().copied().unwrap_or(' ');
            let beside = [before, after];
            // Other systems have their letters below these bytes.
            stands &= matches!(character, '\u{c0}'..='\u{ff}')
                && character.is_alphabetic()
                && beside.iter().all(char::is_ascii)
                && beside.iter().any(char::is_ascii_alphabetic);
        }
        before = character;
    }
    stands
}

fn in_legacy(text: &str, encoding: &'static encoding_rs::Encoding) -> Result<Vec<u8>, char> {
    let mut encoder = encoding.new_encoder();
    let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
    let mut bytes = Vec::with_capacity(room.unwrap_or_default());
    match encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true).0 {
        EncoderResult::InputEmpty => {
            // Some encodings write a character as another one, as Shift_JIS does with the sign of the yen.
            let (back, _) = encoding.decode_without_bom_handling(&bytes);
            let other = text.chars().zip(back.chars()).find(|(meant, got)| meant != got);
            match other {
                Some((meant, _)) => Err(meant),
                None => Ok(bytes),
            }
        }
        EncoderResult::Unmappable(character) => Err(character),
        // There was room for all of it, unless its length can't be counted.
        EncoderResult::OutputFull => Err(char::REPLACEMENT_CHARACTER),
    }
}

/// What an encoding is called before people and models.
pub(crate) fn called(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 { .. } => "UTF-8",
        Encoding::Utf16 { .. } => "UTF-16",
        // Where nothing tells them apart.
        Encoding::Legacy { name: WESTERN, known: true } => "windows-1252 or ISO 8859-1",
        Encoding::Legacy { name, known: true } => name,
        Encoding::Legacy { known: false, .. } | Encoding::Latin1 | Encoding::BrokenUtf8 => {
            "of an encoding that can't be told for sure"
        }
    }
}

/// Characters of UTF-8 for each fault from which on a file is UTF-8.
const SURE: usize = 8;

/// The encoding of which ISO 8859-1 is all but 32 characters.
const WESTERN: &str = "windows-1252";

/// The first character of `text` that the file, which holds `before`, may not get: its encoding was guessed from too
/// little to say which bytes that character would be.
pub(crate) fn unsure(text: &str, before: &str, encoding: Encoding) -> Option<char> {
    let new = |text: &str, least: char| {
        text.chars().find(|char| *char >= least && !before.contains(*char))
    };
    match encoding {
        Encoding::Legacy { known: false, .. } | Encoding::Latin1 => new(text, '\u{80}'),
        // ISO 8859 has no characters where Windows has some; nothing else tells the two apart.
        Encoding::Legacy { name, known: true } if name.starts_with("windows-") => {
            let encoding = encoding_rs::Encoding::for_label(name.as_bytes())?;
            let is_of_windows = |text: &str| {
                in_legacy(text, encoding)
                    .is_ok_and(|bytes| bytes.iter().any(|byte| (0x80..0xa0).contains(byte)))
            };
            if is_of_windows(before) {
                return None;
            }
            text.chars().find(|char| {
                !before.contains(*char) && is_of_windows(char.encode_utf8(&mut [0; 4]))
            })
        }
        // What it is in GBK it is not in GB 2312 and GB 18030, which look the same.
        Encoding::Legacy { name: "GBK" | "gb18030", known: true } => {
            text.chars().find(|char| *char == '€' && !before.contains('€'))
        }
        // Two bytes of another encoding often are one of UTF-8 by chance.
        Encoding::BrokenUtf8 => {
            let faults = before.matches(char::REPLACEMENT_CHARACTER).count();
            let characters = before.chars().filter(|char| !char.is_ascii()).count() - faults;
            if characters < faults * SURE { new(text, '\u{80}') } else { None }
        }
        Encoding::Utf8 { .. } | Encoding::Utf16 { .. } | Encoding::Legacy { known: true, .. } => {
            None
        }
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
        Encoding::Legacy { name, .. } => {
            match encoding_rs::Encoding::for_label(name.as_bytes()) {
                Some(encoding) => in_legacy(text, encoding),
                // Names come from the same table.
                None => Err(char::REPLACEMENT_CHARACTER),
            }
        }
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
        let western = Encoding::Legacy { name: WESTERN, known: false };
        check(b"caf\xE9 \x93x\x94\n", Some(("café “x”\n", western)));
        let accents = Encoding::Legacy { name: WESTERN, known: true };
        check(b"caf\xE9, na\xEFve\n", Some(("café, naïve\n", accents)));
        let (shift_jis, _, _) =
            encoding_rs::SHIFT_JIS.encode("これは日本語の文章です。もう少し長い文です。\n");
        let japanese = Encoding::Legacy { name: "Shift_JIS", known: true };
        check(&shift_jis, Some(("これは日本語の文章です。もう少し長い文です。\n", japanese)));
        let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.encode("Привет, как дела сегодня?\n");
        let known = Encoding::Legacy { name: "windows-1251", known: true };
        check(&cyrillic, Some(("Привет, как дела сегодня?\n", known)));
    }

    #[test]
    fn a_character_that_may_mean_other_bytes_is_not_written() {
        let guess = |known| Encoding::Legacy { name: WESTERN, known };
        assert_eq!(unsure("é ä", "é", guess(false)), Some('ä'));
        assert_eq!(unsure("é a", "é", guess(false)), None);
        assert_eq!(unsure("é ä", "é", guess(true)), None);
        // ISO 8859-15 has it elsewhere, ISO 8859-1 nowhere.
        assert_eq!(unsure("é €", "é", guess(true)), Some('€'));
        assert_eq!(unsure("é €", "é “x”", guess(true)), None);
        let polish = Encoding::Legacy { name: "windows-1250", known: true };
        // ISO 8859-2 has it elsewhere.
        assert_eq!((unsure("š", "ąęł", polish), unsure("ó", "ąęł", polish)), (Some('š'), None));
        assert_eq!(unsure("ä", "", Encoding::Latin1), Some('ä'));
        let gbk = Encoding::Legacy { name: "GBK", known: true };
        assert_eq!((unsure("€", "中", gbk), unsure("文", "中", gbk)), (Some('€'), None));
        // A word of GBK, and a text in UTF-8 with one fault.
        let (short, encoding) = decode(b"// \xb0\xe6\xb1\xbe\n").unwrap();
        assert_eq!(unsure("作", &short, encoding), Some('作'));
        let long = [&"äöü".repeat(4).into_bytes()[..], b"\xff"].concat();
        let (long, encoding) = decode(&long).unwrap();
        assert_eq!((encoding, unsure("é", &long, encoding)), (Encoding::BrokenUtf8, None));
        assert_eq!(unsure("ä", "", Encoding::Utf8 { bom: false }), None);
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

    /// Code pages that no detector knows, and encodings that are ASCII to the eye.
    #[test]
    fn what_can_not_be_told_is_unsure() {
        for bytes in [
            // "Chyba při načítání souboru, příliš žluťoučký" in code page 852.
            &b"Chyba p\xfdi na\x9f\xa1t\xa0n\xa1 souboru, p\xfd\xa1li\xe7 \xa7lu\x9cou\x9fk\xec k\xeen \xa3p\xd8l \xd4\xa0belsk\x82 \xa2dy\n"[..],
            // "Élève très âgé, où êtes-vous ? Ça va, garçon, déjà là" in Mac OS Roman.
            b"\x83l\x8fve tr\x8fs \x89g\x8e, o\x9d \x90tes-vous ? \x82a va, gar\x8don, d\x8ej\x88 l\x88, h\x99tel na\x95f, m\x90me fa\x8don\n",
            // "prüfung", "vänta" in Mac OS Roman.
            b"pr\x9ffung v\x8anta\n",
            b"\x1b$BF|K\\8l\x1b(B\n",
            b"~{<:Ky2;VpJ)~}\n",
        ] {
            let (text, encoding) = decode(bytes).unwrap();
            assert_eq!(unsure("š", &text, encoding), Some('š'), "{text} {encoding:?}");
            assert_eq!(encode(&text, encoding), Ok(bytes.to_vec()));
        }
        let shift_jis = Encoding::Legacy { name: "Shift_JIS", known: true };
        assert_eq!(encode("a¥", shift_jis), Err('¥'));
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
        let guess = |name| Encoding::Legacy { name, known: true };
        assert_eq!(encode("a€", guess("windows-1252")), Ok(b"a\x80".to_vec()));
        assert_eq!(encode("aя", guess("windows-1252")), Err('я'));
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
