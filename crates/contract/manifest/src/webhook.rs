//! Where an agent that lives outside is told its messages.

use bottega_policy::egress::WebUrl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an agent that lives outside is told its messages, instead of fetching them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Webhook {
    /// The address to which each message is sent. `https`, but to a host that the server's settings name as their own.
    #[schemars(with = "String")]
    pub url: WebUrl,
    /// The stored secret by which messages are signed, as `secret:NAME`.
    pub secret: SecretName,
}

/// The name of a stored secret, written `secret:NAME`: a manifest holds no secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(#[schemars(with = "String")] String);

/// Text that names no stored secret. It is not kept: it may be the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is named, not written; use `secret:NAME`")]
pub struct NotASecretName;

impl SecretName {
    /// The name without `secret:`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.trim_start_matches(BEFORE)
    }
}

const BEFORE: &str = "secret:";

impl TryFrom<String> for SecretName {
    type Error = NotASecretName;

    fn try_from(text: String) -> Result<Self, NotASecretName> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let name = text.strip_prefix(BEFORE).ok_or(NotASecretName)?;
        let named = (1..=128).contains(&name.len()) && name.bytes().all(fits);
        named.then(|| Self(text.clone())).ok_or(NotASecretName)
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}
