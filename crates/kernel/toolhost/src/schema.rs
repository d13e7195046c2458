//! What a tool declares, read once.

use std::sync::{Arc, OnceLock};

use bottega_llm::ToolDeclaration;
use bottega_tool::Tool;
use jsonschema::Validator;
use serde_json::{Map, Value};

/// A tool with its schema, ready to check arguments.
pub(crate) struct Declared {
    pub(crate) tool: Arc<dyn Tool>,
    /// The schema of the arguments, without the tool's description.
    pub(crate) schema: Value,
    description: String,
    /// Made when the tool is called for the first time, as most never are. Nothing when the schema itself is not valid:
    /// then only the tool checks its arguments.
    validator: OnceLock<Option<Validator>>,
}

impl std::fmt::Debug for Declared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Declared").field("tool", &self.tool.name()).finish_non_exhaustive()
    }
}

impl Declared {
    pub(crate) fn of(tool: &Arc<dyn Tool>) -> Self {
        let mut schema = tool.schema();
        let description = schema
            .as_object_mut()
            .and_then(|root| root.shift_remove("description"))
            .and_then(|text| text.as_str().map(str::to_owned))
            .unwrap_or_default();
        Self { tool: Arc::clone(tool), schema, description, validator: OnceLock::new() }
    }

    pub(crate) fn for_model(&self) -> ToolDeclaration {
        ToolDeclaration {
            name: self.tool.name().to_owned(),
            description: self.description.clone(),
            input_schema: self.schema.clone(),
        }
    }

    /// What is wrong with `arguments`; nothing when they follow the schema.
    pub(crate) fn faults(&self, arguments: &Value) -> Vec<String> {
        let validator = || jsonschema::validator_for(&self.schema).ok();
        let Some(validator) = self.validator.get_or_init(validator) else { return Vec::new() };
        validator
            .iter_errors(arguments)
            .take(5)
            .map(|error| {
                let place = error.instance_path().to_string();
                // The value itself is the model's own and may be long.
                let what = error.masked_with("the value").to_string();
                match place.trim_start_matches('/') {
                    "" => what,
                    field => format!("{field}: {what}"),
                }
            })
            .collect()
    }

    pub(crate) fn properties(&self) -> Option<&Map<String, Value>> {
        self.schema.get("properties").and_then(Value::as_object)
    }

    fn is_required(&self, field: &str) -> bool {
        let required = self.schema.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|name| name == field))
    }

    /// How a call should look: the parameters, and an example of those that are required.
    pub(crate) fn lesson(&self) -> String {
        let Some(properties) = self.properties() else {
            return format!("{} takes a JSON object", self.tool.name());
        };
        let kind =
            |about: &Value| about.get("type").and_then(Value::as_str).unwrap_or("value").to_owned();
        let parameters: Vec<String> = properties
            .iter()
            .map(|(name, about)| {
                let must = if self.is_required(name) { ", required" } else { "" };
                format!("{name} ({}{must})", kind(about))
            })
            .collect();
        let example: Map<String, Value> = properties
            .iter()
            .filter(|(name, _)| self.is_required(name))
            .map(|(name, about)| {
                let value = match kind(about).as_str() {
                    "integer" | "number" => Value::from(1),
                    "boolean" => Value::Bool(true),
                    "array" => Value::Array(Vec::new()),
                    "object" => Value::Object(Map::new()),
                    _ => Value::from("…"),
                };
                (name.clone(), value)
            })
            .collect();
        format!(
            "{} takes {}. Call it with one JSON object, as in {}",
            self.tool.name(),
            parameters.join(", "),
            Value::Object(example)
        )
    }
}

/// The tools of a catalogue as a model is told about them.
#[must_use]
pub fn declarations(catalogue: &bottega_tool::ToolCatalogue) -> Arc<[ToolDeclaration]> {
    catalogue.iter().map(|tool| Declared::of(tool).for_model()).collect()
}
