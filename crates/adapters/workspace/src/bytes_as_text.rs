//! Bytes as text from which the same bytes come back.
//!
//! A byte that is no part of UTF-8 is written as `\u{fffd}` and its two hex digits, and so are the bytes of a `\u{fffd}`
//! that is there.

const MARK: char = char::REPLACEMENT_CHARACTER;

/// The bytes as text.
pub(crate) fn told(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let escape = |text: &mut String, bytes: &[u8]| {
        bytes.iter().for_each(|byte| text.push_str(&format!("{MARK}{byte:02x}")));
    };
    for chunk in bytes.utf8_chunks() {
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

/// The bytes that a text means.
pub(crate) fn meant(text: &str) -> Vec<u8> {
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
    bytes
}
