//! Makes a settings file fit to be shown.

use crate::format::{looks_like_a_key, names_a_secret};

/// `text` with everything that may be a secret replaced by asterisks, byte for byte, so that spans
/// still hold.
///
/// Three nets: what stands under a name that secrets stand under (unless it is a reference), what stands
/// before the `@` of an address, and words that look like keys, wherever they stand. It reads characters, not TOML, since a file that does
/// not parse is shown too.
pub(crate) fn mask(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, _) in text.match_indices('=') {
        if names_a_secret(name_before(text, at)) {
            blank(&mut bytes, value_after(text, at + 1));
        }
    }
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let host = text[start..].split(['/', '"', '\'', ' ', '\n']).next().unwrap_or_default();
        if let Some(end) = host.rfind('@') {
            blank(&mut bytes, start..start + end);
        }
    }
    let mut start = 0;
    for end in (0..=text.len()).filter(|end| !text.as_bytes().get(*end).is_some_and(is_word)) {
        if text.get(start..end).is_some_and(looks_like_a_key) {
            blank(&mut bytes, start..end);
        }
        start = end + 1;
    }
    // Whole characters were replaced by asterisks only, so this is still UTF-8.
    String::from_utf8_lossy(&bytes).into_owned()
}

const fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(*byte, b'_' | b'-')
}

/// The last part of the key that ends at `at`.
fn name_before(text: &str, at: usize) -> &str {
    let before = text[..at].trim_end_matches([' ', '\t', '"', '\'']);
    let start = before.bytes().rposition(|byte| !is_word(&byte)).map_or(0, |start| start + 1);
    before.get(start..).unwrap_or_default()
}

/// Where the value that begins after `from` stands; empty when it is a reference.
fn value_after(text: &str, from: usize) -> std::ops::Range<usize> {
    let rest = &text[from..];
    let start = from + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
    let value = &text[start..];
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| value.starts_with(quote));
    let (start, length) = match quote {
        Some(quote) => {
            let inner = &value[quote.len()..];
            let closed = inner.find(quote);
            let line = inner.find('\n').unwrap_or(inner.len());
            let unclosed = if quote.len() == 1 { line } else { inner.len() };
            // A quote further down belongs to another value: this one is not closed.
            let length = closed.filter(|end| quote.len() > 1 || *end <= line).unwrap_or(unclosed);
            (start + quote.len(), length)
        }
        None => (start, value.find('\n').unwrap_or(value.len())),
    };
    let inner = &text[start..start + length];
    let is_reference = inner.parse::<crate::SecretReference>().is_ok()
        || inner.parse::<crate::Template>().is_ok_and(|t| t.references().next().is_some());
    if is_reference { start..start } else { start..start + length }
}

fn blank(bytes: &mut [u8], span: std::ops::Range<usize>) {
    for byte in bytes.get_mut(span).into_iter().flatten() {
        if !byte.is_ascii_whitespace() {
            *byte = b'*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(mask(text), expected);
        assert_eq!(mask(text).len(), text.len());
    }

    #[test]
    fn what_stands_under_a_secret_name_is_hidden() {
        check("key = \"hunter2\" # why", "key = \"*******\" # why");
        check("key = hunter2\nturns = 3", "key = *******\nturns = 3");
        check("key = \"open\nturns = \"3\"", "key = \"****\nturns = \"3\"");
        check("x = { api_key = 'pw', turns = 3 }", "x = { api_key = '**', turns = 3 }");
        check("\"X-Api-Key\" = \"äb\"", "\"X-Api-Key\" = \"***\"");
        check("key = \"\"\"a\nb\"\"\"", "key = \"\"\"*\n*\"\"\"");
    }

    #[test]
    fn names_and_passwords_in_addresses_are_hidden() {
        check("u = \"https://ada:pw@host/v1@2\"", "u = \"https://******@host/v1@2\"");
        check("u = \"https://host/v1\"", "u = \"https://host/v1\"");
    }

    #[test]
    fn references_stay() {
        check("key = \"${OPENAI_API_KEY}\"", "key = \"${OPENAI_API_KEY}\"");
        check("key = \"secret:work\"", "key = \"secret:work\"");
        check("Authorization = \"Bearer ${T}\"", "Authorization = \"Bearer ${T}\"");
    }

    #[test]
    fn keys_are_hidden_wherever_they_stand() {
        check("default = \"sk-0123456789abcdefg\"", "default = \"********************\"");
        check("# sk-0123456789abcdefg", "# ********************");
        check("turns = 3", "turns = 3");
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_length_and_a_key_never_stays(before in any::<String>(), after in any::<String>()) {
            let key = "sk-0123456789abcdefg";
            let text = format!("{before}\nkey = \"{key}\"\n{after} {key}");
            prop_assert_eq!(mask(&text).len(), text.len());
            prop_assert!(!mask(&text).contains(key));
        }
    }
}
