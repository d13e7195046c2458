//! Arguments as models write them.
//!
//! Only slips that leave one reading are put right: JSON in a JSON string or a code fence, raw line ends in
//! strings, commas before a closing bracket, a number or a truth value in quotes, one string where a list
//! is wanted, `null` for what may be left out, a wrapping `arguments` object.

use serde_json::{Map, Value};

use crate::schema::Declared;

/// The arguments as an object that follows the tool's schema, or what to tell the model.
pub(crate) fn read(text: &str, declared: &Declared) -> Result<Value, String> {
    let object = object(text).map_err(|why| teach(&why, declared))?;
    let mut object = unwrapped(object, declared);
    if let Some(properties) = declared.properties() {
        for (name, about) in properties {
            fit(&mut object, name, about);
        }
    }
    let given: Vec<String> = object.keys().cloned().collect();
    let value = Value::Object(object);
    let faults = declared.faults(&value);
    if faults.is_empty() {
        return Ok(value);
    }
    let unknown: Vec<&str> = given
        .iter()
        .map(String::as_str)
        .filter(|name| declared.properties().is_some_and(|known| !known.contains_key(*name)))
        .collect();
    let mut why = faults.join("; ");
    if !unknown.is_empty() {
        why.push_str(&format!("; it has no parameter {}", unknown.join(", ")));
    }
    Err(teach(&why, declared))
}

fn teach(why: &str, declared: &Declared) -> String {
    format!("The arguments are not valid: {why}. {}", declared.lesson())
}

/// The JSON object in `text`.
fn object(text: &str) -> Result<Map<String, Value>, String> {
    let text = unfenced(text.trim());
    if text.is_empty() {
        return Ok(Map::new());
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => serde_json::from_str(&mended(text)).map_err(|_| error.to_string())?,
    };
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        Value::String(inner) => match serde_json::from_str(unfenced(inner.trim())) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) | Err(_) => Err("they are a string, not a JSON object".to_owned()),
        },
        Value::Array(_) => Err("they are a list, not a JSON object".to_owned()),
        Value::Bool(_) | Value::Number(_) => Err("they are no JSON object".to_owned()),
    }
}

/// What stands between ```` ```json ```` and ```` ``` ````.
fn unfenced(text: &str) -> &str {
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inner.map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}

/// Escapes control characters within strings, which JSON forbids, and drops commas before `}` and `]`.
fn mended(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut in_string = false;
    let mut escaped = false;
    for character in text.chars() {
        match (in_string, character) {
            (true, c) if c.is_control() && c.is_ascii() => {
                result.push_str(&format!("\\u{:04x}", u32::from(c)));
                escaped = false;
                continue;
            }
            (true, '"') if !escaped => in_string = false,
            (false, '"') => in_string = true,
            (false, '}' | ']') => {
                let end = result.trim_end().len();
                if result[..end].ends_with(',') {
                    result.truncate(end - 1);
                }
            }
            (true | false, _) => {}
        }
        escaped = in_string && character == '\\' && !escaped;
        result.push(character);
    }
    result
}

/// The inner object of `{"arguments": {…}}`, where the tool knows no such parameter.
fn unwrapped(mut object: Map<String, Value>, declared: &Declared) -> Map<String, Value> {
    let known = |name: &str| declared.properties().is_some_and(|known| known.contains_key(name));
    if object.keys().any(|name| known(name)) {
        return object;
    }
    for wrapper in ["arguments", "parameters", "input"] {
        if let Some(Value::Object(inner)) = object.get_mut(wrapper) {
            return std::mem::take(inner);
        }
    }
    object
}

/// Puts the value of `name` into the form its schema `about` wants, where one reading is left.
fn fit(object: &mut Map<String, Value>, name: &str, about: &Value) {
    let Some(value) = object.get_mut(name) else { return };
    let wanted = about.get("type").and_then(Value::as_str).unwrap_or_default();
    let fitting = match (wanted, &*value) {
        ("integer", Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        ("integer", Value::Number(number)) => number
            .as_f64()
            .filter(|float| {
                !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() < 1e15
            })
            .map(|float| Value::from(float as i64)),
        ("boolean", Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        ("array", Value::String(text)) => Some(match serde_json::from_str(text) {
            Ok(Value::Array(items)) => Value::Array(items),
            Ok(_) | Err(_) => Value::Array(vec![Value::String(text.clone())]),
        }),
        (kind, Value::Null) if !kind.is_empty() && kind != "null" => {
            object.shift_remove(name);
            return;
        }
        _ => None,
    };
    if let Some(fitting) = fitting {
        *value = fitting;
    }
}
