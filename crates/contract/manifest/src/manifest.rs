//! The manifest.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::de::DeTable;

use crate::reading::{line_of, unknown_keys};
use crate::{
    Capabilities, Delivery, GuestName, Limits, Problem, Problems, Service, Supervision, World,
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
    /// Whether its messages survive the process.
    #[serde(default)]
    pub delivery: Delivery,
    /// What it offers to others, who find it in the directory by that.
    #[serde(default)]
    pub services: Vec<Service>,
    /// What it may ask its host for.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// The most that it may use.
    #[serde(default)]
    pub limits: Limits,
    /// What follows when an instance ends.
    #[serde(default)]
    pub supervision: Supervision,
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
            delivery: Delivery::default(),
            services: Vec::new(),
            capabilities: Capabilities::default(),
            limits: Limits::default(),
            supervision: Supervision::default(),
        }
    }

    /// Reads the text of a manifest. Either all of it is right, or all unknown keys are told, or else the first
    /// value that is wrong.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let problem = |error: &toml::de::Error| Problem {
            line: line_of(text, error.span().unwrap_or_default().start),
            what: error.message().to_owned(),
        };
        let table = DeTable::parse(text).map_err(|error| Problems::one(problem(&error)))?;
        if let Some(problems) = Problems::of(unknown_keys(text, table.get_ref(), &Self::schema())) {
            return Err(problems);
        }
        toml::from_str(text).map_err(|error| Problems::one(problem(&error)))
    }

    /// The WASM file, relative to the manifest.
    #[must_use]
    pub fn module_file(&self) -> String {
        self.module.clone().unwrap_or_else(|| format!("{}.wasm", self.name))
    }

    /// The JSON Schema of a manifest, in one piece.
    #[must_use]
    pub fn schema() -> Value {
        let settings =
            SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<Self>().to_value()
    }
}

#[cfg(test)]
mod tests;
