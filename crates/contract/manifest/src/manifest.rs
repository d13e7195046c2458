//! The manifest.

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reading::{read, schema_of};
use crate::{
    Build, Capabilities, Delivery, Extism, GuestName, Limits, Problems, Service, Supervision,
    Webhook, World,
};

/// What a guest is and may do: its `bottega.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// Who it is.
    pub name: GuestName,
    /// Its version, by the rules of Semantic Versioning 2.0.0.
    #[schemars(with = "String")]
    pub version: Version,
    /// Whether it takes messages or is called.
    pub world: World,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The WASM file, relative to the manifest. When absent, the name with `.wasm`.
    #[serde(default)]
    pub module: Option<String>,
    /// How the module is made.
    #[serde(default, skip_serializing_if = "Build::is_usual")]
    pub build: Build,
    /// Whether its messages survive the process.
    #[serde(default)]
    pub delivery: Delivery,
    /// What it offers to others, who find it in the directory by that.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Where it is told its messages, if it lives outside and does not fetch them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// What it may ask its host for.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// The most that it may use.
    #[serde(default)]
    pub limits: Limits,
    /// What follows when an instance ends.
    #[serde(default)]
    pub supervision: Supervision,
    /// Set where the module is a plug-in of Extism; such a guest is a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extism: Option<Extism>,
}

impl Manifest {
    /// Its usual file name.
    pub const FILE: &'static str = "bottega.toml";

    /// A manifest that grants nothing and limits by default.
    #[must_use]
    pub fn new(name: GuestName, version: Version, world: World) -> Self {
        Self {
            name,
            version,
            world,
            description: String::new(),
            module: None,
            build: Build::default(),
            delivery: Delivery::default(),
            services: Vec::new(),
            webhook: None,
            capabilities: Capabilities::default(),
            limits: Limits::default(),
            supervision: Supervision::default(),
            extism: None,
        }
    }

    /// Reads the text of a manifest. Either all of it is right, or all unknown keys are told, or else the first
    /// value that is wrong.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        read(text)
    }

    /// The WASM file, relative to the manifest.
    #[must_use]
    pub fn module_file(&self) -> String {
        self.module.clone().unwrap_or_else(|| format!("{}.wasm", self.name))
    }

    /// The JSON Schema of a manifest, in one piece.
    #[must_use]
    pub fn schema() -> Value {
        schema_of::<Self>()
    }
}

#[cfg(test)]
mod tests;
