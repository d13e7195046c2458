//! Layered settings with the origin of each value, and secrets.
//!
//! What it is: where files are ([`Places`]), what is set and by whom ([`Config`]), how a file is
//! changed ([`Editor`]), which folders may bring settings ([`Trust`]), how secrets are found and kept
//! ([`SecretStore`]), and which model is taken ([`choose_model`]).
//! What it is not: it builds nothing from settings; the app turns each section into the `Options` of
//! the crate it is for. It holds no prices; those are the gateway's.
//!
//! One start: [`Environment::capture`] → [`Places::find`] → [`Config::load`] → [`Settings`].
//! One change: [`Editor::set`] → checked as a whole → the file is replaced → load again.
//!
//! The JSON Schema of [`Settings`] is the one description of the settings: reading, variables, flags,
//! `set`, the listing and the reference page all go by it, so a new setting is one documented field.
//!
//! Invariants
//! * The environment is read in one place, once; all else is a function of that value.
//! * A file is used whole or not at all, and all that is wrong is reported together.
//! * No secret stands in a settings file, in [`Settings`], in an error or in `Debug`.
//! * Settings of a folder count only while they are those that a person trusted.

mod atomic_file;
mod config;
mod conflict;
mod edit;
mod environment;
mod format;
mod ladder;
mod layer;
mod mask;
mod measure;
mod notice;
mod path;
mod places;
mod plain_file;
mod problem;
mod reading;
mod reference_page;
mod secret;
mod server_files;
mod settings;
mod shape;
mod trust;
mod variable;
mod vendor;

pub use config::{Config, FileState, FlagValue, SettingRow, SettingsFile, Sources};
pub use edit::{EditError, Editor};
pub use environment::Environment;
pub use ladder::{Choice, ModelChoice, NoSuchModel, Rungs, Why, choose_model};
pub use layer::{Layer, Origin};
pub use measure::{Dollars, NotAMeasure, Period, Size};
pub use notice::Notice;
pub use path::{NotAPath, SettingPath};
pub use places::{NoHome, Places};
pub use problem::{Problem, ProblemKind, Problems};
pub use reference_page::reference_markdown;
#[cfg(feature = "keyring")]
pub use secret::SystemKeyring;
pub use secret::{
    Keyring, KeyringError, NoKeyring, NotAReference, SecretError, SecretPlace, SecretReference,
    SecretRow, SecretStore, Template,
};
pub use server_files::{ServerAddress, ServerFileError, ServerFiles};
pub use settings::{
    AccessSettings, BudgetSettings, Color, LimitSettings, LocalModelSettings, LogFormat,
    LogSettings, ModelFacts, ModelSettings, PriceSettings, Protocol, ProviderSettings, Purse,
    Route, RouteSettings, RuleSettings, ServerSettings, Settings, ShellSettings, TelemetrySettings,
    ToolSettings, UiSettings,
};
pub use shape::schema;
pub use trust::{Standing, Trust, TrustError};
pub use variable::{Variable, variables};
pub use vendor::{DEFAULT_LOCAL_MODEL, EMBEDDED, VENDORS, VENDORS_AS_OF, Vendor};
