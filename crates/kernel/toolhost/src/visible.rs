//! Text in which everything can be seen, for a person who says yes or no to it.

/// Letters that look like ASCII ones (from the Cyrillic and Greek blocks of Unicode's confusables data).
const LOOK_ALIKE: &str = "АВЕЅІЈКМНОРСТУХЬаеорсухіјѕԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρυι";

/// `text` with each character that can't be seen, that turns the direction of writing, or that stands in
/// an ASCII word in the place of an ASCII letter, as `{U+202E}`.
pub(crate) fn visible(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| c.is_whitespace() && c != '\r') {
        let has_ascii = word.chars().any(|c| c.is_ascii_alphabetic());
        let mut characters = word.chars().peekable();
        while let Some(character) = characters.next() {
            // A line end in two characters hides nothing.
            if character == '\r' && characters.peek() == Some(&'\n') {
                continue;
            }
            let hidden = is_hidden(character) || (has_ascii && LOOK_ALIKE.contains(character));
            if hidden || is_wide_ascii(character) {
                result.push_str(&format!("{{U+{:04X}}}", u32::from(character)));
            } else {
                result.push(character);
            }
        }
    }
    result
}

/// Control and format characters, and blanks that are no blank.
fn is_hidden(character: char) -> bool {
    if character.is_control() {
        return character != '\n' && character != '\t';
    }
    matches!(
        character,
        '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// ASCII in full width.
fn is_wide_ascii(character: char) -> bool {
    ('\u{ff01}'..='\u{ff5e}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(visible(text), expected);
    }

    #[test]
    fn what_hides_is_shown() {
        check("rm \u{202e}txt.exe", "rm {U+202E}txt.exe");
        check("a\u{200b}b\u{feff}", "a{U+200B}b{U+FEFF}");
        check("curl\u{a0}x", "curl{U+00A0}x");
        check("x\u{e0041}", "x{U+E0041}");
        check("bell\u{7}", "bell{U+0007}");
        check("touch x #\rls", "touch x #{U+000D}ls");
        check("ls \u{1b}]0; touch x \u{7}", "ls {U+001B}]0; touch x {U+0007}");
        check("one\r\ntwo\r\r\n", "one\ntwo{U+000D}\n");
    }

    #[test]
    fn letters_that_pass_for_others_are_shown() {
        check("git pu\u{455}h", "git pu{U+0455}h");
        check("ｒｍ", "{U+FF52}{U+FF4D}");
    }

    #[test]
    fn honest_text_stays() {
        for text in ["cargo test\n\t--all", "привет мир", "naïve é 日本 😀"] {
            check(text, text);
        }
    }
}
