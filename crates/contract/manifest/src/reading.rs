//! Unknown keys of a manifest, found by its own schema.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{Problem, Problems};

/// How alike two words must be for one to be taken for a slip of the other.
const ALIKE: f64 = 0.7;

/// Reads TOML of a form that is its own schema. Either all of it is right, or all unknown keys are told, or else the first
/// value that is wrong.
///
/// # Errors
/// What is wrong, each with its line.
pub fn read<T: DeserializeOwned + JsonSchema>(text: &str) -> Result<T, Problems> {
    let problem = |error: &toml::de::Error| Problem {
        line: line_of(text, error.span().unwrap_or_default().start),
        what: error.message().to_owned(),
    };
    let table = DeTable::parse(text).map_err(|error| Problems::one(problem(&error)))?;
    if let Some(problems) = Problems::of(unknown_keys(text, table.get_ref(), &schema_of::<T>())) {
        return Err(problems);
    }
    toml::from_str(text).map_err(|error| Problems::one(problem(&error)))
}

/// The JSON Schema of a form, in one piece.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The line on which a byte stands, counted from 1.
#[must_use]
pub fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Every key of the tables that `schema` does not know.
fn unknown_keys(text: &str, table: &DeTable<'_>, schema: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(text, table, schema, "", &mut problems);
    problems
}

fn walk(text: &str, table: &DeTable<'_>, schema: &Value, path: &str, problems: &mut Vec<Problem>) {
    let Some(known) = schema.get("properties").and_then(Value::as_object) else { return };
    for (key, value) in table {
        let name: &str = key.get_ref();
        match known.get(name) {
            Some(below) => inside(text, value, below, &format!("{path}{name}."), problems),
            None => {
                let line = line_of(text, key.span().start);
                let what = unknown(name, path, known.keys().map(String::as_str));
                problems.push(Problem { line, what });
            }
        }
    }
}

fn inside(
    text: &str,
    value: &Spanned<DeValue<'_>>,
    schema: &Value,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    if let (DeValue::Array(values), Some(schema)) = (value.get_ref(), schema.get("items")) {
        for value in values.iter() {
            inside(text, value, schema, path, problems);
        }
    }
    let DeValue::Table(table) = value.get_ref() else { return };
    // An optional table is described as one of itself and nothing.
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let own = choices
        .and_then(|choices| choices.iter().find(|choice| choice.get("properties").is_some()));
    walk(text, table, own.unwrap_or(schema), path, problems);
}

/// An unknown key, with the nearest that there is.
pub(crate) fn unknown<'k>(
    name: &str,
    path: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> String {
    let alike = |key: &&str| strsim::jaro_winkler(name, key);
    let best = known.clone().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    match best.filter(|best| alike(best) >= ALIKE) {
        Some(best) => format!("there is no `{path}{name}`; did you mean `{path}{best}`?"),
        None => {
            let known: Vec<_> = known.map(|key| format!("`{key}`")).collect();
            format!("there is no `{path}{name}`; known here: {}", known.join(", "))
        }
    }
}
