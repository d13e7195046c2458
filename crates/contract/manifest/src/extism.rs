//! A guest that speaks Extism's plug-in interface instead of the worlds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The table `[extism]`: the module is a plug-in of [Extism](https://extism.org), and this is what it can't say itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Extism {
    /// The export that is called, with the arguments as JSON for its input. Its output is the answer.
    pub call: String,
    /// Values that the plug-in reads by name (`config_get`).
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// JSON Schema of the arguments, written as TOML. Any object when absent.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub schema: Map<String, Value>,
}

impl Extism {
    /// The JSON Schema of the arguments.
    #[must_use]
    pub fn schema(&self) -> Value {
        if self.schema.is_empty() {
            json!({ "type": "object" })
        } else {
            Value::Object(self.schema.clone())
        }
    }
}
