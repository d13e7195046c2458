//! Who speaks: agent names and agent identifiers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Expression, UserName};

/// The name of an agent, `local@platform`, unique for all time (SC00023, agent naming).
///
/// Both parts have at least one character; there is one `@`; white space, control characters, parentheses, quotes and
/// backslashes don't occur; the whole has at most [`AgentName::LONGEST`] bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentName(Arc<str>);

impl TryFrom<String> for AgentName {
    type Error = NotAnAgentName;

    fn try_from(text: String) -> Result<Self, NotAnAgentName> {
        text.parse()
    }
}

impl From<AgentName> for String {
    fn from(name: AgentName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl AgentName {
    /// The most bytes a name may have.
    pub const LONGEST: usize = 255;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`: the platform on which the agent was born.
    #[must_use]
    pub fn platform(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, platform)| platform)
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that names no agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no agent's name; one looks like `local@platform`, without spaces, parentheses or quotes, in 255 bytes"
)]
pub struct NotAnAgentName(String);

impl FromStr for AgentName {
    type Err = NotAnAgentName;

    fn from_str(text: &str) -> Result<Self, NotAnAgentName> {
        let part = |part: &str| {
            !part.is_empty()
                && !part.contains(|c: char| {
                    c.is_whitespace()
                        || c.is_control()
                        || matches!(c, '@' | '(' | ')' | '"' | '\'' | '\\')
                })
        };
        match text.split_once('@') {
            Some((local, platform))
                if part(local) && part(platform) && text.len() <= Self::LONGEST =>
            {
                Ok(Self(text.into()))
            }
            Some(_) | None => Err(NotAnAgentName(text.chars().take(60).collect())),
        }
    }
}

/// An agent identifier: a name, and how to reach who bears it (SC00023, agent-identifier). One pointer; clones share.
///
/// Two are the same agent when their names are equal; `==` compares all that they say.
#[derive(Clone, PartialEq, Eq)]
pub struct Aid(Arc<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    name: AgentName,
    addresses: Vec<Box<str>>,
    resolvers: Vec<Aid>,
    user: Vec<(UserName, Expression)>,
}

impl Aid {
    /// One without addresses: the agent is found by its name.
    #[must_use]
    pub fn new(name: AgentName) -> Self {
        Self(Arc::new(Inner { name, addresses: vec![], resolvers: vec![], user: vec![] }))
    }

    /// Where the agent listens, as URLs, the preferred one first.
    #[must_use]
    pub fn with_addresses<T: Into<Box<str>>>(
        mut self,
        addresses: impl IntoIterator<Item = T>,
    ) -> Self {
        Arc::make_mut(&mut self.0).addresses = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// Agents that know where it listens, the preferred one first.
    #[must_use]
    pub fn with_resolvers(mut self, resolvers: Vec<Self>) -> Self {
        Arc::make_mut(&mut self.0).resolvers = resolvers;
        self
    }

    /// With a user-defined parameter; one of that name is replaced.
    #[must_use]
    pub fn with_user(mut self, name: UserName, value: Expression) -> Self {
        name.put(&mut Arc::make_mut(&mut self.0).user, value);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &AgentName {
        &self.0.name
    }

    /// Where the agent listens.
    #[must_use]
    pub fn addresses(&self) -> &[Box<str>] {
        &self.0.addresses
    }

    /// Who knows where it listens.
    #[must_use]
    pub fn resolvers(&self) -> &[Self] {
        &self.0.resolvers
    }

    /// User-defined parameters, in their order.
    #[must_use]
    pub fn user(&self) -> &[(UserName, Expression)] {
        &self.0.user
    }

    /// Whether both name the same agent.
    #[must_use]
    pub fn is_same_agent(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.name() == other.name()
    }
}

impl From<AgentName> for Aid {
    fn from(name: AgentName) -> Self {
        Self::new(name)
    }
}

impl FromStr for Aid {
    type Err = NotAnAgentName;

    fn from_str(name: &str) -> Result<Self, NotAnAgentName> {
        name.parse().map(Self::new)
    }
}

/// Prints the name alone.
impl fmt::Display for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.name(), f)
    }
}

impl fmt::Debug for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, addresses, resolvers, user } = &*self.0;
        if addresses.is_empty() && resolvers.is_empty() && user.is_empty() {
            return fmt::Display::fmt(name, f);
        }
        write!(f, "{name} {addresses:?} {resolvers:?} {user:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_parts() {
        let name: AgentName = "da0@192.0.2.7:1099/JADE".parse().unwrap();
        assert_eq!((name.local(), name.platform()), ("da0", "192.0.2.7:1099/JADE"));
        let long = format!("a@{}", "b".repeat(254));
        for text in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a(@b", "a@\"b", "a\u{7f}@b", &long] {
            assert!(text.parse::<AgentName>().is_err(), "{text}");
        }
    }
}
