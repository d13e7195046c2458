//! User-defined parameters: their names and their values.

use std::fmt;
use std::str::FromStr;

/// The name of a user-defined parameter, `X-…` (SC00061, user-defined parameters): printable ASCII without parentheses,
/// quotes, backslashes, `;`, `#` and `:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserName(Box<str>);

impl UserName {
    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this name, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// Sets the parameter of this name among others.
    pub(crate) fn put(self, among: &mut Vec<(Self, Expression)>, value: Expression) {
        match among.iter_mut().find(|(own, _)| own.is(&self.0)) {
            Some(own) => *own = (self, value),
            None => among.push((self, value)),
        }
    }
}

/// Text that names no user-defined parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no user-defined parameter; one is `X-` and printable ASCII such as `X-priority`"
)]
pub struct NotAUserName(String);

impl FromStr for UserName {
    type Err = NotAUserName;

    fn from_str(text: &str) -> Result<Self, NotAUserName> {
        let marked = text.len() > 2 && text.as_bytes()[..2].eq_ignore_ascii_case(b"x-");
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"()\"'\\;#:".contains(&byte);
        if marked && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(NotAUserName(text.chars().take(40).collect()))
        }
    }
}

/// A value as the string encoding knows it: a word, number, date or string (all text here), or a list of such
/// (SC00070, `Expression`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    /// A word, a number, a date or a string.
    Text(Box<str>),
    /// A list in parentheses.
    List(Vec<Self>),
}

impl Expression {
    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) => None,
        }
    }
}

impl From<&str> for Expression {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// Prints the string encoding.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        crate::string::write_expression(&mut out, self);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}
