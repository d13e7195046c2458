//! What a WASM guest is and may do, as its `bottega.toml` says it.
//!
//! What it is: the [`Manifest`] with its identity, [`Capabilities`], [`Limits`] and [`Supervision`]; the catalogue
//! [`Capability`]; and the port [`Host`] through which what was granted is carried out.
//! What it is not: it reads no file and runs nothing. `bottega-sandbox-wasm` holds guests to their manifest, the
//! kernel stands behind the port.
//!
//! One manifest: text → [`Manifest::parse`] → [`Manifest`], or all that is wrong with it, each [`Problem`] with its
//! line and what was probably meant.
//!
//! Invariants
//! * The default of every capability is *no*.
//! * An unknown key is refused, never passed over: a misspelled limit would be no limit.
//! * A manifest in memory is right: names, versions, folders and hosts are parsed, limits are above zero.

mod agent_definition;
mod build;
mod capability;
mod extism;
mod host;
mod identity;
mod limits;
mod manifest;
mod measure;
mod model_budget;
mod problem;
mod reading;
mod service;
mod supervision;
mod webhook;

pub use agent_definition::AgentDefinition;
pub use build::Build;
pub use capability::{
    Capabilities, Capability, FileAccess, FilesGrant, Folder, HostPattern, ModelGrant, NotAFolder,
};
pub use extism::Extism;
pub use host::{Answer, Host, HttpRequest, HttpResponse, Level, NoHost, Question, Refusal};
pub use identity::{GuestName, NotAGuestName, World};
pub use limits::Limits;
pub use manifest::Manifest;
pub use measure::{NotAMeasure, Period, Size};
pub use model_budget::ModelBudget;
pub use problem::{Problem, Problems};
pub use reading::{line_of, read};
pub use service::Service;
pub use supervision::{Delivery, Restart, Supervision};
pub use webhook::{NotASecretName, SecretName, Webhook};
