//! All settings, as one plain value.

mod access;
mod budget;
mod engine;
mod limits;
mod marker;
mod model;
mod provider;
mod route;
mod server;
mod telemetry;
mod tool;
mod ui;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{AccessSettings, RuleSettings};
pub use budget::{BudgetSettings, Purse};
pub use engine::LocalModelSettings;
pub use limits::LimitSettings;
pub use model::ModelSettings;
pub use provider::{ModelFacts, Protocol, ProviderSettings};
pub use route::{PriceSettings, Route, RouteSettings};
pub use server::ServerSettings;
pub use telemetry::TelemetrySettings;
pub use tool::{ShellSettings, ToolSettings};
pub use ui::{Color, LogFormat, LogSettings, UiSettings};

use crate::vendor::{VENDORS, Vendor};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which model answers, and how.
    pub model: ModelSettings,
    /// Named routes, retries and prices.
    pub models: RouteSettings,
    /// Where models are reached, by the provider's name. The known providers need no entry; an entry
    /// changes what it names and leaves the rest.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// The most that may be spent.
    pub budget: BudgetSettings,
    /// What may be done without asking.
    pub access: AccessSettings,
    /// When a run ends by itself.
    pub limits: LimitSettings,
    /// The embedded engine.
    pub local_model: LocalModelSettings,
    /// What the tools do.
    pub tools: ToolSettings,
    /// How `bottega serve` is reached, and whom its clients believe.
    pub server: ServerSettings,
    /// What is seen.
    pub ui: UiSettings,
    /// What is written to the log.
    pub log: LogSettings,
    /// Where traces and metrics are sent.
    pub telemetry: TelemetrySettings,
}

/// What holds when nobody set anything: the known providers, and each section's own defaults.
impl Default for Settings {
    fn default() -> Self {
        let known = |vendor: &Vendor| (vendor.name.to_owned(), ProviderSettings::of(vendor));
        Self {
            model: ModelSettings::default(),
            models: RouteSettings::default(),
            providers: VENDORS.iter().map(known).collect(),
            budget: BudgetSettings::default(),
            access: AccessSettings::default(),
            limits: LimitSettings::default(),
            local_model: LocalModelSettings::default(),
            tools: ToolSettings::default(),
            server: ServerSettings::default(),
            ui: UiSettings::default(),
            log: LogSettings::default(),
            telemetry: TelemetrySettings::default(),
        }
    }
}
