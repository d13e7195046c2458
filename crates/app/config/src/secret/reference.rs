//! How a setting speaks of a secret without holding it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Where a secret is to be found: `${VARIABLE}` or `secret:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretReference {
    /// The environment variable of this name or, where it is absent, the stored secret of this name.
    Variable(String),
    /// The stored secret of this name.
    Stored(String),
}

/// Text that is no reference. The text is not kept: it may be the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is named, not written; use `${{VARIABLE}}` or `secret:NAME`")]
pub struct NotAReference;

/// Whether `name` may name a secret: letters, digits, `_`, `-` and `.`, at most 128.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=128).contains(&name.len()) && name.bytes().all(fits)
}

impl FromStr for SecretReference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let (name, is_variable) = match inner {
            Some(name) => (name, !name.starts_with("secret:")),
            None => (text, false),
        };
        let bare = name.strip_prefix("secret:");
        match (bare, is_variable) {
            (Some(name), false) if is_name(name) => Ok(Self::Stored(name.to_owned())),
            (None, true) if is_name(name) => Ok(Self::Variable(name.to_owned())),
            (_, _) => Err(NotAReference),
        }
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${{{name}}}"),
            Self::Stored(name) => write!(f, "secret:{name}"),
        }
    }
}

impl TryFrom<String> for SecretReference {
    type Error = NotAReference;

    fn try_from(text: String) -> Result<Self, NotAReference> {
        text.parse()
    }
}

impl From<SecretReference> for String {
    fn from(reference: SecretReference) -> Self {
        reference.to_string()
    }
}

impl JsonSchema for SecretReference {
    fn schema_name() -> Cow<'static, str> {
        "SecretReference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "secret-reference",
            "pattern": r"^(\$\{[A-Za-z0-9_.-]+\}|\$\{secret:[A-Za-z0-9_.-]+\}|secret:[A-Za-z0-9_.-]+)$"
        })
    }
}

/// Text in which `${VARIABLE}` and `${secret:NAME}` stand for secrets: `Bearer ${secret:work}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Secret(SecretReference),
}

impl Template {
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The secrets it speaks of.
    pub fn references(&self) -> impl Iterator<Item = &SecretReference> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Secret(reference) => Some(reference),
        })
    }
}

impl FromStr for Template {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        if text.starts_with("secret:") {
            return Ok(Self(vec![Piece::Secret(text.parse()?)]));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let end = start + rest[start..].find('}').ok_or(NotAReference)?;
            if start > 0 {
                pieces.push(Piece::Text(rest[..start].to_owned()));
            }
            pieces.push(Piece::Secret(rest[start..=end].parse()?));
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Secret(SecretReference::Variable(name)) => write!(f, "${{{name}}}"),
            Piece::Secret(SecretReference::Stored(name)) => write!(f, "${{secret:{name}}}"),
        })
    }
}

impl TryFrom<String> for Template {
    type Error = NotAReference;

    fn try_from(text: String) -> Result<Self, NotAReference> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "template" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match text.parse::<Template>() {
            Ok(template) => {
                let names: Vec<_> = template.references().map(ToString::to_string).collect();
                format!("{template} [{}]", names.join(" "))
            }
            Err(NotAReference) => "refused".to_owned(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_template_names_its_secrets() {
        check("plain", "plain []");
        check("Bearer ${TOKEN}", "Bearer ${TOKEN} [${TOKEN}]");
        check("secret:work", "${secret:work} [secret:work]");
        check("${A}/${secret:b}!", "${A}/${secret:b}! [${A} secret:b]");
        check("Bearer ${TOKEN", "refused");
        check("${a b}", "refused");
    }

    #[test]
    fn a_reference_is_nothing_but_a_name() {
        for text in ["${OPENAI_API_KEY}", "secret:work"] {
            assert_eq!(text.parse::<SecretReference>().unwrap().to_string(), text);
        }
        for text in ["", "sk-123", "$KEY", "${}", "secret:", "secret:a b", "x ${KEY}"] {
            assert_eq!(text.parse::<SecretReference>(), Err(NotAReference), "{text}");
        }
    }
}
