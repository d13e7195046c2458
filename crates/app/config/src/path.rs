//! Where a setting stands: `limits.turns`.

use std::fmt;
use std::str::FromStr;

/// The place of a setting, written as TOML writes dotted keys: `limits.turns`,
/// `models.prices."openai/gpt-6.1-sol".input`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingPath(Vec<String>);

/// Text that is no path of a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no setting; write its keys with dots between them, as in `limits.turns`")]
pub struct NotAPath(String);

impl SettingPath {
    /// The place above all settings.
    pub(crate) const fn root() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn of<S: Into<String>>(keys: impl IntoIterator<Item = S>) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }

    pub(crate) fn child(&self, key: &str) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_owned());
        Self(keys)
    }

    /// The keys from the outermost to the innermost.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// Whether this is `other` or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The name of the environment variable that sets this: `BOTTEGA_LIMITS_TURNS`.
    pub(crate) fn variable(&self) -> String {
        format!("BOTTEGA_{}", self.0.join("_").replace('-', "_").to_ascii_uppercase())
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            write!(f, "{dot}{}", toml_edit::Key::new(key).display_repr())?;
        }
        Ok(())
    }
}

impl FromStr for SettingPath {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, NotAPath> {
        let keys = toml_edit::Key::parse(text).map_err(|_| NotAPath(text.to_owned()))?;
        Ok(Self::of(keys.iter().map(|key| key.get())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_printed_parses_back() {
        for keys in
            [&["limits", "turns"][..], &["models", "prices", "a/b.c", "input"], &["x", "q\"t"]]
        {
            let path = SettingPath::of(keys.iter().copied());
            assert_eq!(path.to_string().parse(), Ok(path));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "a..b", ".a", "a b"] {
            assert!(text.parse::<SettingPath>().is_err(), "{text}");
        }
    }
}
