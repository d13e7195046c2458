//! JSON Schemas in the narrower forms that providers enforce.

use serde_json::{Map, Value, json};

/// Keywords whose value is one schema.
const ONE: &[&str] = &["items", "additionalProperties", "not", "if", "then", "else", "contains"];
/// Keywords whose value is a list of schemas.
const LIST: &[&str] = &["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords whose value names schemas.
const NAMED: &[&str] = &["properties", "$defs", "definitions", "patternProperties"];
/// Bounds that a grammar can't hold.
const BOUNDS: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// The schema with every object closed and without bounds: what it accepts in structure the given
/// schema accepts too; bounds are for the caller to check.
pub(crate) fn closed(schema: &Value) -> Value {
    let Value::Object(object) = schema else { return schema.clone() };
    let mut narrow: Map<String, Value> = object
        .iter()
        .filter(|(key, _)| !BOUNDS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), below(key, value)))
        .collect();
    if is_object(object) && !narrow.get("additionalProperties").is_some_and(Value::is_object) {
        narrow.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(narrow)
}

fn below(key: &str, value: &Value) -> Value {
    if let (true, Value::Object(named)) = (NAMED.contains(&key), value) {
        named.iter().map(|(name, schema)| (name.clone(), closed(schema))).collect()
    } else if let (true, Value::Array(list)) = (LIST.contains(&key), value) {
        list.iter().map(closed).collect()
    } else if ONE.contains(&key) {
        closed(value)
    } else {
        value.clone()
    }
}

/// Whether every object lists all of its properties as required and allows no other, which is what
/// strict enforcement demands.
pub(crate) fn is_strict(schema: &Value) -> bool {
    let Value::Object(object) = schema else { return true };
    let own = !is_object(object)
        || (object.get("additionalProperties") == Some(&Value::Bool(false))
            && object.get("properties").and_then(Value::as_object).is_none_or(|properties| {
                let required = object.get("required").and_then(Value::as_array);
                properties.keys().all(|name| {
                    required.is_some_and(|required| required.iter().any(|one| one == name))
                })
            }));
    own && object.iter().all(|(key, value)| {
        let key = key.as_str();
        if let (true, Value::Object(named)) = (NAMED.contains(&key), value) {
            named.values().all(is_strict)
        } else if let (true, Value::Array(list)) = (LIST.contains(&key), value) {
            list.iter().all(is_strict)
        } else {
            !ONE.contains(&key) || is_strict(value)
        }
    })
}

fn is_object(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object") || schema.contains_key("properties")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_and_bounds_go_but_names_stay() {
        let schema = json!({
            "type": "object",
            "properties": {
                "minimum": { "type": "integer", "minimum": 1 },
                "list": { "type": "array", "maxItems": 3, "items": { "type": "object" } },
            },
            "required": ["minimum"],
        });
        assert_eq!(
            closed(&schema),
            json!({
                "type": "object",
                "properties": {
                    "minimum": { "type": "integer" },
                    "list": { "type": "array", "items": { "type": "object", "additionalProperties": false } },
                },
                "required": ["minimum"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn strictness_needs_every_property_at_every_depth() {
        let strict = json!({
            "type": "object", "properties": { "a": { "type": "string" } },
            "required": ["a"], "additionalProperties": false,
        });
        assert!(is_strict(&strict));
        let mut optional = strict.clone();
        optional["required"] = json!([]);
        assert!(!is_strict(&optional));
        assert!(!is_strict(&json!({ "anyOf": [strict, { "type": "object", "properties": {} }] })));
    }
}
