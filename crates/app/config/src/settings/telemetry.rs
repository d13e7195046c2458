//! `[telemetry]`: where traces and metrics are sent.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Period, Template};

/// Where traces and metrics are sent: to a collector of OpenTelemetry, as Protobuf over HTTP. To nobody unless an address
/// is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// The collector's address, as `http://127.0.0.1:4318`; traces go to `v1/traces` below it, metrics to `v1/metrics`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "address"))]
    pub endpoint: String,
    /// The whole address for traces, instead of one below `telemetry.endpoint`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "address"))]
    pub traces_endpoint: String,
    /// The whole address for metrics, instead of one below `telemetry.endpoint`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("format" = "address"))]
    pub metrics_endpoint: String,
    /// Whether traces are sent.
    pub traces: bool,
    /// Whether metrics are sent.
    pub metrics: bool,
    /// Headers of each request. `${VARIABLE}` and `${secret:NAME}` in a value stand for secrets.
    pub headers: BTreeMap<String, Template>,
    /// How long one request may take.
    pub timeout: Period,
    /// How often metrics are sent.
    pub interval: Period,
    /// The name that this Bottega sends under (`service.name`).
    #[schemars(extend("format" = "word"))]
    pub service: String,
    /// Whether nothing is sent, whatever the addresses say.
    pub disabled: bool,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            traces_endpoint: String::new(),
            metrics_endpoint: String::new(),
            traces: true,
            metrics: true,
            headers: BTreeMap::new(),
            timeout: Period::seconds(10),
            interval: Period::seconds(60),
            service: "bottega".to_owned(),
            disabled: false,
        }
    }
}
