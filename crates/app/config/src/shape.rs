//! The form of the settings, read from their JSON Schema.
//!
//! The schema is the one description: files, variables, flags, the reference page and `set` are all
//! checked and written by it.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::format::Format;
use crate::{SettingPath, Settings};

/// The JSON Schema (2020-12) of a settings file.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Settings>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Bottega settings".into());
    }
    schema
}

/// The form of all settings.
pub(crate) static SHAPE: LazyLock<Field> = LazyLock::new(|| field(&schema()));

/// One setting or group of settings.
#[derive(Debug)]
pub(crate) struct Field {
    /// What it means, in one line.
    pub(crate) doc: String,
    /// Its default, where it has one.
    pub(crate) default: Option<Value>,
    /// Whether the lists of the layers add to each other.
    pub(crate) adds: bool,
    pub(crate) shape: Shape,
}

/// The form of a value.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Keys that are known, and what stands under all others.
    Table {
        fields: Vec<(String, Field)>,
        others: Option<Box<Field>>,
    },
    List {
        items: Box<Field>,
        least: usize,
    },
    Text(&'static Format, Numbers),
    Choice(Vec<Choice>),
    Whole {
        min: i64,
        max: i64,
    },
    Number,
    Switch,
}

/// Whether a number stands for its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    Refused,
    Whole,
    Any,
}

/// One word of a choice.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) word: String,
    pub(crate) doc: String,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Field {
    /// What stands under `key`, where that may be.
    pub(crate) fn under(&self, key: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Table { fields, others } => fields
                .iter()
                .find_map(|(name, field)| (name == key).then_some(field))
                .or(others.as_deref()),
            Shape::List { .. }
            | Shape::Text(..)
            | Shape::Choice(_)
            | Shape::Whole { .. }
            | Shape::Number
            | Shape::Switch => None,
        }
    }

    /// What stands at `path`, where that may be.
    pub(crate) fn at(&self, path: &SettingPath) -> Option<&Self> {
        path.keys().iter().try_fold(self, |field, key| field.under(key))
    }

    /// The known keys, where this is a table.
    pub(crate) fn keys(&self) -> Vec<&str> {
        match &self.shape {
            Shape::Table { fields, .. } => fields.iter().map(|(name, _)| name.as_str()).collect(),
            Shape::List { .. }
            | Shape::Text(..)
            | Shape::Choice(_)
            | Shape::Whole { .. }
            | Shape::Number
            | Shape::Switch => Vec::new(),
        }
    }

    /// Every single setting whose place is known without looking at a file, in order.
    pub(crate) fn leaves(&self) -> Vec<(SettingPath, &Self)> {
        let mut found = Vec::new();
        self.gather(&SettingPath::root(), &mut found);
        found
    }

    fn gather<'f>(&'f self, path: &SettingPath, found: &mut Vec<(SettingPath, &'f Self)>) {
        match &self.shape {
            Shape::Table { fields, .. } => {
                for (name, field) in fields {
                    field.gather(&path.child(name), found);
                }
            }
            Shape::List { .. }
            | Shape::Text(..)
            | Shape::Choice(_)
            | Shape::Whole { .. }
            | Shape::Number
            | Shape::Switch => found.push((path.clone(), self)),
        }
    }

    /// What is expected here, in words.
    pub(crate) fn expected(&self) -> String {
        match &self.shape {
            Shape::Table { .. } => "a table".to_owned(),
            Shape::List { items, .. } => format!("a list, each item {}", items.expected()),
            Shape::Text(format, _) if format.name == "word" => "text".to_owned(),
            Shape::Text(format, _) => format!("text ({})", format.meaning),
            Shape::Choice(choices) => {
                let words: Vec<_> = choices.iter().map(|c| format!("`{}`", c.word)).collect();
                format!("one of {}", words.join(", "))
            }
            Shape::Whole { min, max } if *max < i64::from(u32::MAX) => {
                format!("a whole number from {min} to {max}")
            }
            Shape::Whole { min, .. } => format!("a whole number, {min} at least"),
            Shape::Number => "a number".to_owned(),
            Shape::Switch => "`true` or `false`".to_owned(),
        }
    }
}

fn field(schema: &Value) -> Field {
    let empty = Map::new();
    let map = schema.as_object().unwrap_or(&empty);
    let doc = map.get("description").and_then(Value::as_str).unwrap_or_default();
    Field {
        doc: doc.split_whitespace().collect::<Vec<_>>().join(" "),
        default: map.get("default").filter(|value| !value.is_null()).cloned(),
        adds: map.get("x-layers").is_some_and(|layers| layers == "add"),
        shape: shape(map),
    }
}

fn shape(map: &Map<String, Value>) -> Shape {
    if let Some(choices) = choices(map) {
        return Shape::Choice(choices);
    }
    if let Some(inner) = optional(map) {
        return shape(inner);
    }
    let types = types(map);
    let has = |name: &str| types.contains(&name);
    if has("object") {
        return table(map);
    }
    if has("array") {
        let items = map.get("items").map_or_else(|| field(&Value::Null), field);
        let least = map.get("minItems").and_then(Value::as_u64).unwrap_or_default();
        return Shape::List { items: Box::new(items), least: usize::try_from(least).unwrap_or(0) };
    }
    if has("string") {
        let named = map.get("format").and_then(Value::as_str).and_then(Format::named);
        let numbers = match (has("number"), has("integer")) {
            (true, _) => Numbers::Any,
            (false, true) => Numbers::Whole,
            (false, false) => Numbers::Refused,
        };
        return Shape::Text(named.unwrap_or(&crate::format::WORD), numbers);
    }
    if has("integer") {
        let widest = match map.get("format").and_then(Value::as_str) {
            Some("uint32") => i64::from(u32::MAX),
            _ => i64::MAX,
        };
        let bound =
            |name: &str, otherwise| map.get(name).and_then(Value::as_i64).unwrap_or(otherwise);
        return Shape::Whole { min: bound("minimum", 0), max: bound("maximum", widest) };
    }
    if has("number") { Shape::Number } else { Shape::Switch }
}

fn table(map: &Map<String, Value>) -> Shape {
    let known = map.get("properties").and_then(Value::as_object);
    let fields = known.into_iter().flatten().map(|(name, schema)| (name.clone(), field(schema)));
    let others = map.get("additionalProperties").filter(|schema| schema.is_object());
    Shape::Table { fields: fields.collect(), others: others.map(|schema| Box::new(field(schema))) }
}

fn types(map: &Map<String, Value>) -> Vec<&str> {
    match map.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    }
}

/// The schema of `T` in what stands for `Option<T>`.
fn optional(map: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let of = map.get("anyOf")?.as_array()?;
    of.iter().filter_map(Value::as_object).find(|one| one.get("type") != Some(&"null".into()))
}

fn choices(map: &Map<String, Value>) -> Option<Vec<Choice>> {
    let word = |value: &Value, doc: &str| {
        Some(Choice { word: value.as_str()?.to_owned(), doc: doc.to_owned() })
    };
    if let Some(of) = map.get("oneOf").and_then(Value::as_array) {
        let one = |variant: &Value| {
            let doc = variant.get("description").and_then(Value::as_str).unwrap_or_default();
            word(variant.get("const")?, doc)
        };
        return of.iter().map(one).collect();
    }
    let words = map.get("enum")?.as_array()?;
    Some(words.iter().filter_map(|value| word(value, "")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_says_what_it_means() {
        for (path, field) in SHAPE.leaves() {
            assert!(!field.doc.is_empty(), "{path} has no description");
            assert!(field.doc.ends_with('.'), "{path}: {}", field.doc);
        }
    }

    #[test]
    fn every_format_of_the_schema_is_known() {
        fn walk(value: &Value) {
            if let Some(format) = value.get("format").and_then(Value::as_str) {
                let is_number = ["uint32", "uint64", "double"].contains(&format);
                assert!(is_number || Format::named(format).is_some(), "{format}");
            }
            let inner = value.as_object().into_iter().flatten();
            inner.filter(|(name, _)| *name != "default").for_each(|(_, inner)| walk(inner));
            value.as_array().into_iter().flatten().for_each(walk);
        }
        walk(&schema());
    }

    #[test]
    fn no_two_settings_share_a_variable() {
        let mut names: Vec<_> = SHAPE.leaves().iter().map(|(path, _)| path.variable()).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }
}
