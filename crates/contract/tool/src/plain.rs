//! Text without what only a terminal understands.

use std::borrow::Cow;

/// `text` as a model should read it: without escape sequences (ECMA-48) and control characters other than
/// tab and newline; of a line that was drawn over (`10%\r20%`), what was drawn last.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !may_have_controls(text) || !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return text.into();
    }
    let mut result = String::with_capacity(text.len());
    let mut line_start = 0;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\n' => {
                result.push('\n');
                line_start = result.len();
            }
            '\r' => {
                // A line end in two characters is one; else the line is drawn anew.
                if !matches!(rest.peek(), Some('\n' | '\r') | None) {
                    result.truncate(line_start);
                }
            }
            '\u{1b}' => skip_sequence(&mut rest),
            // The 8-bit form of the same introducer.
            '\u{9b}' => skip_until_final(&mut rest),
            '\t' => result.push('\t'),
            c if c.is_control() => {}
            c => result.push(c),
        }
    }
    result.into()
}

/// Words that no program wrote for a terminal, on one line: control characters are spelled out, for one of them may hide
/// what stands before it.
#[must_use]
pub fn spelled(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    for word in text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()) {
        if !spelled.is_empty() {
            spelled.push(' ');
        }
        for character in word.trim_end_matches('\r').chars() {
            if character.is_control() {
                spelled.push_str(&format!("<U+{:04X}>", u32::from(character)));
            } else {
                spelled.push(character);
            }
        }
    }
    spelled
}

/// Whether a byte of a control character is there: one that stands alone, or the first of the two (`C2`) that those of
/// 8 bits have. In pieces without a way out of them, which the compiler makes fast: outputs may have megabytes.
fn may_have_controls(text: &str) -> bool {
    let suspicious =
        |byte: u8| (byte < b' ' && byte != b'\n' && byte != b'\t') || byte == 0x7f || byte == 0xc2;
    text.as_bytes()
        .chunks(4096)
        .any(|piece| piece.iter().fold(false, |found, byte| found | suspicious(*byte)))
}

type Rest<'t> = std::iter::Peekable<std::str::Chars<'t>>;

/// Passes over what follows ESC: a control sequence, a string up to its terminator, or one character.
fn skip_sequence(rest: &mut Rest<'_>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_until_final(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            while let Some(character) = rest.next_if(|c| *c != '\n') {
                if character == '\u{7}' {
                    return;
                }
                if character == '\u{1b}' {
                    rest.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some(' '..='/') => {
            rest.next();
            rest.next();
        }
        Some('0'..='~') => {
            rest.next();
        }
        Some(_) | None => {}
    }
}

/// Passes over parameters and the final character of a control sequence.
fn skip_until_final(rest: &mut Rest<'_>) {
    while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
    rest.next_if(|c| ('@'..='~').contains(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn sequences_and_controls_go() {
        check("a\u{1b}[1;31mred\u{1b}[0m b", "ared b");
        check("\u{1b}]0;title\u{7}x\u{1b}]8;;http://y\u{1b}\\link", "xlink");
        check("\u{1b}(Bx\u{1b}=y\u{1b}7z", "xyz");
        check("\u{9b}31mx\u{0}\u{8}y\u{7f}", "xy");
        check("end\u{1b}", "end");
        check("end\u{1b}[", "end");
        check("\u{1b}]never ended\nnext", "\nnext");
    }

    #[test]
    fn what_was_drawn_last_stays() {
        check("10%\r20%\rdone\nnext\r\n", "done\nnext\n");
        check("kept\r", "kept");
        check("kept\r\r\n", "kept\n");
    }

    #[test]
    fn every_control_character_is_seen() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let seen = may_have_controls(character.encode_utf8(&mut [0; 4]));
            let control = character.is_control() && character != '\n' && character != '\t';
            assert!(seen || !control, "{character:?}");
        }
    }

    #[test]
    fn ordinary_text_is_not_copied() {
        assert!(matches!(plain("é\t😀\n"), Cow::Borrowed(_)));
    }
}
