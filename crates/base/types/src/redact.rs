//! Keeps known secrets out of text that leaves the process.

use crate::Secret;

/// Replaces every known secret in a text by a fixed word.
///
/// It is the last net under output, logs, events and prompts. The first is that a [`Secret`] can't
/// be printed; this one catches what a command or a server echoes back.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.secrets.len()).finish()
    }
}

/// Shorter values are too common in ordinary text to be replaced.
const SHORTEST: usize = 8;

impl Redactor {
    /// What stands where a secret stood.
    pub const MARK: &'static str = "[redacted]";

    /// Knows these secrets from now on. Values below eight bytes are passed over: replacing every
    /// `yes` in a transcript would damage it and protect nobody.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret<String>>) -> Self {
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .map(|secret| secret.expose().trim().to_owned())
            .filter(|secret| secret.len() >= SHORTEST)
            .collect();
        // The longest first: a secret that contains another is replaced whole.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self { secrets }
    }

    /// How many bytes at the end of `text` may be the beginning of a secret that goes on in the next piece.
    fn held(&self, text: &str) -> usize {
        let begins = |secret: &String| {
            let longest = text.len().min(secret.len() - 1);
            (1..=longest)
                .rev()
                .find(|length| text.as_bytes().ends_with(&secret.as_bytes()[..*length]))
        };
        self.secrets.iter().filter_map(begins).max().unwrap_or(0)
    }

    /// `text` without the known secrets.
    #[must_use]
    pub fn clean<'t>(&self, text: &'t str) -> std::borrow::Cow<'t, str> {
        if !self.secrets.iter().any(|secret| text.contains(secret.as_str())) {
            return text.into();
        }
        let clean = self
            .secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), Self::MARK));
        clean.into()
    }
}

/// Cleans a text that arrives in pieces: what may be the beginning of a secret is held back until the next piece
/// shows whether it is one.
#[derive(Clone, Debug, Default)]
pub struct StreamRedactor {
    held: String,
}

impl StreamRedactor {
    /// Takes the next piece and gives what can be shown.
    pub fn push(&mut self, redactor: &Redactor, piece: &str) -> String {
        self.held.push_str(piece);
        let clean = redactor.clean(&self.held).into_owned();
        // A secret ends where no character is cut: its bytes are whole characters.
        let shown = clean.len() - redactor.held(&clean);
        self.held = clean[shown..].to_owned();
        clean[..shown].to_owned()
    }

    /// The text is over: gives what was held back.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_pieces_disappears_wherever_it_is_cut() {
        let secret = "sk-canary-é12345";
        let redactor = Redactor::new([&Secret::new(secret.to_owned())]);
        let text = format!("a key {secret}, sk-can is none");
        let cuts: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
        for cut in cuts {
            let mut stream = StreamRedactor::default();
            let mut shown = stream.push(&redactor, &text[..cut]);
            shown.push_str(&stream.push(&redactor, &text[cut..]));
            shown.push_str(&stream.finish());
            assert_eq!(shown, "a key [redacted], sk-can is none", "cut at {cut}");
        }
    }

    #[test]
    fn a_known_secret_disappears_and_the_rest_stays() {
        let redactor = Redactor::new([&Secret::new("sk-canary-12345".to_owned())]);
        assert_eq!(redactor.clean("key=sk-canary-12345;"), "key=[redacted];");
        assert_eq!(redactor.clean("nothing here"), "nothing here");
    }

    #[test]
    fn a_longer_secret_is_replaced_whole() {
        let short = Secret::new("abcdefgh".to_owned());
        let long = Secret::new("abcdefghijkl".to_owned());
        assert_eq!(Redactor::new([&short, &long]).clean("abcdefghijkl"), "[redacted]");
    }

    #[test]
    fn debug_shows_no_secret() {
        let redactor = Redactor::new([&Secret::new("sk-canary-12345".to_owned())]);
        assert!(!format!("{redactor:?}").contains("canary"));
    }
}
