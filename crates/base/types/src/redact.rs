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

#[cfg(test)]
mod tests {
    use super::*;

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
