//! What texts in settings must look like.

use bottega_llm::ModelRef;
use bottega_policy::Rule;

use crate::{Dollars, Period, SecretReference, Size, Template};

/// Why a text does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It does not have the form; this would.
    Expected(&'static str),
    /// It is a secret, written out.
    LiteralSecret,
}

/// One form of text: its name in the schema, what it means, and who knows it.
pub(crate) struct Format {
    /// The name in the schema's `format`.
    pub(crate) name: &'static str,
    /// What stands in the reference page.
    pub(crate) meaning: &'static str,
    check: fn(&str) -> Result<(), Misfit>,
}

impl Format {
    pub(crate) fn check(&self, text: &str) -> Result<(), Misfit> {
        (self.check)(text)
    }

    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// Every form, by name.
pub(crate) const FORMATS: &[Format] = &[
    Format { name: "period", meaning: "span of time", check: period },
    Format { name: "dollars", meaning: "US dollars", check: dollars },
    Format { name: "size", meaning: "size in bytes", check: size },
    Format { name: "model-ref", meaning: "`PROVIDER/NAME`", check: model_ref },
    Format { name: "model", meaning: "route or `PROVIDER/NAME`", check: any_text },
    Format {
        name: "secret-reference",
        meaning: "`${VARIABLE}` or `secret:NAME`",
        check: reference,
    },
    Format {
        name: "template",
        meaning: "text with `${VARIABLE}` or `${secret:NAME}`",
        check: template,
    },
    Format { name: "rule", meaning: "rule", check: rule },
    Format { name: "address", meaning: "address", check: address },
    Format { name: "path", meaning: "path", check: any_text },
    WORD,
];

/// Any text.
pub(crate) const WORD: Format = Format { name: "word", meaning: "text", check: any_text };

fn period(text: &str) -> Result<(), Misfit> {
    text.parse::<Period>().map(drop).map_err(|refused| Misfit::Expected(refused.expected))
}

fn dollars(text: &str) -> Result<(), Misfit> {
    text.parse::<Dollars>().map(drop).map_err(|refused| Misfit::Expected(refused.expected))
}

fn size(text: &str) -> Result<(), Misfit> {
    text.parse::<Size>().map(drop).map_err(|refused| Misfit::Expected(refused.expected))
}

fn model_ref(text: &str) -> Result<(), Misfit> {
    let expected = Misfit::Expected("`PROVIDER/NAME`, as in `local/qwen2.5-coder-1.5b`");
    text.parse::<ModelRef>().map(drop).map_err(|_| expected)
}

fn any_text(text: &str) -> Result<(), Misfit> {
    if text.trim().is_empty() { Err(Misfit::Expected("text that is not empty")) } else { Ok(()) }
}

fn reference(text: &str) -> Result<(), Misfit> {
    text.parse::<SecretReference>().map(drop).map_err(|_| Misfit::LiteralSecret)
}

fn template(text: &str) -> Result<(), Misfit> {
    let expected =
        Misfit::Expected("text whose placeholders are `${VARIABLE}` or `${secret:NAME}`");
    text.parse::<Template>().map(drop).map_err(|_| expected)
}

fn rule(text: &str) -> Result<(), Misfit> {
    let expected = "`read:GLOB`, `write:GLOB`, `run:PREFIX` or `net:HOST`";
    if Rule(text.to_owned()).is_well_formed() { Ok(()) } else { Err(Misfit::Expected(expected)) }
}

/// The adapters parse addresses; here it is enough that nothing is hidden in one and that it is not
/// something else altogether.
fn address(text: &str) -> Result<(), Misfit> {
    let expected = Misfit::Expected("an address such as `https://host.example/v1`");
    let place = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .or_else(|| (!text.contains("://")).then_some(text))
        .ok_or(expected.clone())?;
    let host = place.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err(Misfit::LiteralSecret);
    }
    if host.is_empty() || host.contains(char::is_whitespace) { Err(expected) } else { Ok(()) }
}

/// How keys of the usual services begin.
const KEY_PREFIXES: &[&str] = &[
    "sk-",
    "AIza",
    "hf_",
    "xai-",
    "gsk_",
    "ghp_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "AGE-SECRET-KEY-",
];

/// Whether a word is, by its looks, a key of one of the usual services.
pub(crate) fn looks_like_a_key(word: &str) -> bool {
    word.len() >= 20
        && KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Names under which people write secrets, in lower case with `_` for `-`.
const SECRET_NAMES: &[&str] = &[
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth",
    "auth_token",
    "authorization",
    "bearer",
    "cookie",
    "key",
    "passphrase",
    "password",
    "proxy_authorization",
    "secret",
    "token",
    "x_api_key",
    "x_auth_token",
    "x_goog_api_key",
];

/// Whether what stands under this name is, by the name, a secret.
pub(crate) fn names_a_secret(name: &str) -> bool {
    let plain = name.to_ascii_lowercase().replace('-', "_");
    SECRET_NAMES.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, text: &str, expected: Result<(), Misfit>) {
        let found = Format::named(format).unwrap().check(text);
        assert_eq!(found.map_err(|misfit| std::mem::discriminant(&misfit)), {
            expected.map_err(|misfit| std::mem::discriminant(&misfit))
        });
    }

    #[test]
    fn addresses_hold_no_password() {
        for text in
            ["https://api.example/v1", "http://127.0.0.1:8080", "127.0.0.1:11434", "[::1]:80"]
        {
            check("address", text, Ok(()));
        }
        check("address", "https://ada:pw@host/v1", Err(Misfit::LiteralSecret));
        for text in ["", "ftp://host", "https://", "two words"] {
            check("address", text, Err(Misfit::Expected("")));
        }
    }

    #[test]
    fn rules_have_a_kind() {
        check("rule", "run:git status", Ok(()));
        check("rule", "git status", Err(Misfit::Expected("")));
        check("rule", "run:", Err(Misfit::Expected("")));
    }

    #[test]
    fn keys_are_known_by_their_looks() {
        assert!(looks_like_a_key("sk-ant-api03-0123456789abcdef"));
        assert!(!looks_like_a_key("sk-short"));
        assert!(!looks_like_a_key("qwen2.5-coder-1.5b-instruct-long-name"));
    }
}
