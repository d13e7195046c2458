//! What an adapter is built from.

use std::collections::BTreeMap;
use std::time::Duration;

use bottega_types::Secret;

use crate::{CapabilityOverride, Protocol, Provider};

/// What an adapter is built from.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is spoken at the address.
    pub protocol: Protocol,
    /// Where it is spoken: scheme, host and path prefix, as the official clients take it. Ollama's
    /// form without scheme (`127.0.0.1:11434`) is understood for that protocol.
    pub base_url: String,
    /// The key, where the service has one.
    pub key: Option<Secret<String>>,
    /// More headers for every call. They replace those of the same name that the protocol sets.
    pub headers: Vec<(String, Secret<String>)>,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long nothing may arrive, before the answer begins and within it.
    pub idle_timeout: Duration,
    /// Corrections to what this crate believes of models, by the model's name; `*` stands for every
    /// model that has no entry of its own.
    pub capabilities: BTreeMap<String, CapabilityOverride>,
}

impl Options {
    /// The usual options for an address: ten seconds to connect, five minutes of silence (a local
    /// server says nothing while it reads a long prompt).
    pub fn new(protocol: Protocol, base_url: impl Into<String>) -> Self {
        Self {
            protocol,
            base_url: base_url.into(),
            key: None,
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            capabilities: BTreeMap::new(),
        }
    }

    /// The usual options of a known service. `base_url` wins over the service's own; an empty
    /// address is refused later, by [`build`](crate::build).
    #[must_use]
    pub fn of(provider: &Provider, base_url: Option<&str>, key: Option<Secret<String>>) -> Self {
        let base = base_url.or(provider.base_url).unwrap_or_default();
        Self { key, ..Self::new(provider.protocol, base) }
    }
}

/// Why no adapter can be built from some options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The base URL can't be used. It is not shown, since it may hold what must not be shown.
    #[error("the base URL can't be used: {why}; write it as in `https://host.example/v1`")]
    BaseUrl {
        /// What is wrong with it.
        why: String,
    },
    /// A header can't be sent.
    #[error(
        "the header `{name}` can't be sent: its name or value has characters that HTTP forbids"
    )]
    Header {
        /// Its name.
        name: String,
    },
    /// The key can't be sent.
    #[error("the key has characters that HTTP forbids; check for line breaks and set it again")]
    Key,
}
