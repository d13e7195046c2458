//! Unknown keys of a manifest, found by its own schema.

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Problem;

/// How alike two words must be for one to be taken for a slip of the other.
const ALIKE: f64 = 0.7;

/// The line on which a byte stands, counted from 1.
pub(crate) fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Every key of the tables that `schema` does not know.
pub(crate) fn unknown_keys(text: &str, table: &DeTable<'_>, schema: &Value) -> Vec<Problem> {
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
