//! Foreign text made safe to show: no terminal control, nothing hidden.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Takes terminal control sequences (ECMA-48) out of text that comes in pieces.
///
/// A sequence that is cut between two pieces is still recognised. Tab and newline stay; every other control
/// character goes. Marks that reorder what is displayed (Unicode bidirectional controls) are spelled out.
#[derive(Debug, Default)]
pub struct Stripper(Within);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate character.
    Intermediate,
    /// In a control sequence, before its final character.
    Sequence,
    /// In a string that ends with ST, BEL or the line.
    String,
    /// After ESC within a string.
    StringEscape,
}

impl Stripper {
    /// What of the next piece may be shown.
    pub fn feed(&mut self, piece: &str) -> String {
        let mut shown = String::with_capacity(piece.len());
        for character in piece.chars() {
            self.take(character, &mut shown);
        }
        shown
    }

    fn take(&mut self, character: char, shown: &mut String) {
        self.0 = match (self.0, character) {
            (_, '\n') => {
                shown.push('\n');
                Within::Text
            }
            (Within::String, '\u{1b}') => Within::StringEscape,
            (_, '\u{1b}') => Within::Escape,
            (Within::Escape, '[') => Within::Sequence,
            (Within::Escape, ']' | 'P' | 'X' | '^' | '_') => Within::String,
            (Within::Escape, ' '..='/') => Within::Intermediate,
            (Within::Sequence, ' '..='?') => Within::Sequence,
            (Within::String, '\u{7}' | '\u{9c}') => Within::Text,
            (Within::String, _) => Within::String,
            (Within::StringEscape, '\\') => Within::Text,
            (Within::Escape | Within::Intermediate, '0'..='~') => Within::Text,
            (Within::Sequence, '@'..='~') => Within::Text,
            // What follows is no sequence after all: the character is text again.
            (
                Within::Escape
                | Within::Intermediate
                | Within::Sequence
                | Within::StringEscape
                | Within::Text,
                other,
            ) => Self::text(other, shown),
        };
    }

    fn text(character: char, shown: &mut String) -> Within {
        match character {
            '\u{9b}' => return Within::Sequence,
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => return Within::String,
            '\t' => shown.push('\t'),
            c if c.is_control() => {}
            c if is_bidi(c) => spell_out(c, shown),
            c => shown.push(c),
        }
        Within::Text
    }
}

/// Whole text, safe to show. Of a line that was drawn over (`10%\r20%`), what was drawn last.
pub fn shown(text: &str) -> String {
    Stripper::default().feed(&bottega_tool::plain(text))
}

/// The first line of `text`, safe to show. No program drew it on a terminal: what would hide a part of it is spelled out.
pub fn first_line(text: &str) -> String {
    let mut line = String::new();
    let mut stripper = Stripper::default();
    for character in text.lines().next().unwrap_or_default().chars() {
        match character {
            '\t' => line.push(' '),
            c if c == '\r' || is_hidden(c) => spell_out(c, &mut line),
            c => line.push_str(&stripper.feed(c.encode_utf8(&mut [0; 4]))),
        }
    }
    line
}

/// The first line of what a program wrote for a terminal, safe to show: what it drew last.
pub fn drawn_line(text: &str) -> String {
    shown(text).lines().next().unwrap_or_default().replace('\t', " ")
}

/// Characters of which nothing is seen. Those that choose how another one is drawn are none.
fn is_hidden(c: char) -> bool {
    is_invisible(c) && c.width() == Some(0) && !matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Text on which a person decides: on top of [`shown`], nothing in it is invisible, and letters of other
/// scripts that pass for Latin ones are spelled out.
pub fn exact(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut stripped = Stripper::default();
    for character in text.chars() {
        match character {
            '\n' | '\t' => result.push(character),
            // Told, not dropped: what a command hides matters to whoever approves it.
            c if c.is_control() => spell_out(c, &mut result),
            c if is_invisible(c) || is_bidi(c) || is_look_alike(c) => spell_out(c, &mut result),
            c => result.push_str(&stripped.feed(c.encode_utf8(&mut [0; 4]))),
        }
    }
    result
}

fn spell_out(character: char, to: &mut String) {
    // Writing to a `String` can't fail.
    let _ = write!(to, "<U+{:04X}>", u32::from(character));
}

/// Bidirectional controls (Unicode TR36, section 3.2): they show text in another order than it runs.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that take no room or look like a blank but are none.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{1680}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{202f}'
            | '\u{205f}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    ) || c.width() == Some(0) && !is_combining(c)
}

/// Accents on ordinary letters take no room of their own but are seen.
const fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Characters that pass for ASCII ones (from Unicode's confusables): letters of Cyrillic and Greek, full-width
/// and mathematical forms, slashes, dots and dashes.
const fn is_look_alike(c: char) -> bool {
    matches!(
        c,
        'а' | 'е' | 'о' | 'р' | 'с' | 'у' | 'х' | 'і' | 'ј' | 'ѕ' | 'ԁ' | 'ԛ' | 'ԝ' | 'һ' | 'ӏ' | 'ь'
            | 'А' | 'В' | 'Е' | 'К' | 'М' | 'Н' | 'О' | 'Р' | 'С' | 'Т' | 'Х' | 'І' | 'Ј' | 'Ѕ' | 'У'
            | 'ο' | 'ν' | 'ι' | 'α' | 'ρ' | 'υ' | 'Α' | 'Β' | 'Ε' | 'Ζ' | 'Η' | 'Ι' | 'Κ' | 'Μ' | 'Ν'
            | 'Ο' | 'Ρ' | 'Τ' | 'Υ' | 'Χ' | 'ı' | 'ǀ' | 'ɑ' | 'ɡ'
            | '\u{2010}'..='\u{2012}' | '\u{2024}' | '\u{2044}' | '\u{2212}' | '\u{2215}' | '\u{29f8}'
            | '\u{37e}' | '\u{a789}' | '\u{2236}' | '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}'
    )
}

/// Columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns, with `…` where it was cut.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut result = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        result.push(character);
    }
    if columns > 0 {
        result.push('…');
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_exact(text: &str, expected: &str) {
        assert_eq!(exact(text), expected);
    }

    #[test]
    fn sequences_go_wherever_they_are_cut() {
        let text =
            "a\u{1b}[1;31mred\u{1b}[0m b\u{1b}]0;title\u{7}c\u{9b}2Jd\u{1b}(Be\u{1b}]8;;x\u{1b}\\f";
        for at in text.char_indices().map(|(at, _)| at) {
            let mut stripper = Stripper::default();
            let both = stripper.feed(&text[..at]) + &stripper.feed(&text[at..]);
            assert_eq!(both, "ared bcdef", "cut at {at}");
        }
    }

    #[test]
    fn text_that_only_begins_like_a_sequence_stays() {
        assert_eq!(shown("end\u{1b}"), "end");
        assert_eq!(Stripper::default().feed("\u{1b}]never ended\nnext"), "\nnext");
        assert_eq!(shown("naïve 😀\tok\n"), "naïve 😀\tok\n");
    }

    #[test]
    fn order_marks_are_spelled_out() {
        assert_eq!(shown("if \u{202e}nimda"), "if <U+202E>nimda");
    }

    #[test]
    fn a_line_hides_no_part_of_itself() {
        assert_eq!(first_line("rm x; #\rls\nnext"), "rm x; #<U+000D>ls");
        assert_eq!(first_line("a\u{1b}[1mb\u{7}c\r\nd"), "abc");
        assert_eq!(first_line("a\u{200b}b\tc ⚠\u{fe0f}"), "a<U+200B>b c ⚠\u{fe0f}");
    }

    #[test]
    fn what_a_person_approves_hides_nothing() {
        check_exact("rm -rf build", "rm -rf build");
        check_exact("rm\u{200b} -rf\u{a0}x", "rm<U+200B> -rf<U+00A0>x");
        check_exact("сurl ехample.com", "<U+0441>url <U+0435><U+0445>ample.com");
        check_exact("echo a\u{1b}[2Kb\rc", "echo a<U+001B>[2Kb<U+000D>c");
        check_exact("cat \u{202e}txt.exe", "cat <U+202E>txt.exe");
        check_exact("ls a\u{2215}b \u{ff0d}x", "ls a<U+2215>b <U+FF0D>x");
        check_exact("Grüße, naïve café 日本", "Grüße, naïve café 日本");
    }

    #[test]
    fn a_cut_line_never_takes_more_room() {
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abcd", 4), "abcd");
        assert_eq!(fit("abcd", 0), "");
    }

    proptest! {
        #[test]
        fn nothing_shown_controls_a_terminal(text in "\\PC*|[\\x00-\\xff]*", at: prop::sample::Index) {
            let mut cut = at.index(text.len() + 1);
            while !text.is_char_boundary(cut) { cut -= 1; }
            let mut stripper = Stripper::default();
            let pieces = stripper.feed(&text[..cut]) + &stripper.feed(&text[cut..]);
            let whole = Stripper::default().feed(&text);
            prop_assert_eq!(&pieces, &whole);
            for safe in [whole, shown(&text), exact(&text)] {
                prop_assert!(!safe.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || is_bidi(c)));
            }
        }
    }
}
