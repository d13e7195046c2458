//! `[server]`: how `bottega serve` is reached, and whom its clients believe.

use bottega_policy::egress::HostRule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How `bottega serve` is reached, and whom its clients believe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// The file with the server's certificate, as PEM, and after it those that lead to one that clients know; `~/`
    /// stands for the home folder. Without one the server listens on this machine alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub tls_cert: Option<String>,
    /// The file with the private key of the certificate, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub tls_key: Option<String>,
    /// Names and addresses by which clients address the server, beside `localhost`. Those of the certificate when
    /// there are none.
    pub hosts: Vec<String>,
    /// The file with certificates, as PEM, that clients believe in beside those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub ca_cert: Option<String>,
    /// Connections open at once, at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections: u32,
    /// Requests a second, at most; more are told how long to wait. Zero lets in as many as come.
    #[schemars(range(max = 1_000_000))]
    pub requests_per_second: u32,
    /// Hosts on this machine or in a private network to which messages for agents may be brought by their webhooks, also
    /// without TLS: `127.0.0.1:9000`, `agents.example.org`, `*.example.org:8443`. Others are reached in the public network
    /// alone, over TLS. The ports 80 and 443 where a host has none.
    #[schemars(with = "Vec<String>")]
    pub webhook_hosts: Vec<HostRule>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            tls_cert: None,
            tls_key: None,
            hosts: Vec::new(),
            ca_cert: None,
            connections: 1_024,
            requests_per_second: 2_000,
            webhook_hosts: Vec::new(),
        }
    }
}
