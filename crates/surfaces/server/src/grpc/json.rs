//! JSON as Protobuf carries it (`google.protobuf.Struct`), there and back.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Carried};
use serde_json::{Map, Number, Value};

/// The largest whole number below which a double holds each.
const EXACT: u64 = 1 << 53;

/// An object; nothing of a value that is none.
pub(super) fn object(value: &Value) -> Option<Struct> {
    let fields = value.as_object()?;
    Some(Struct {
        fields: fields.iter().map(|(key, value)| (key.clone(), carried(value))).collect(),
    })
}

/// Any value.
pub(super) fn carried(value: &Value) -> Carried {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(number) => match number.as_f64() {
            Some(value) if is_exact(number) => Kind::NumberValue(value),
            // As Protobuf's own JSON writes whole numbers of 64 bits.
            Some(_) | None => Kind::StringValue(number.to_string()),
        },
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.iter().map(carried).collect() })
        }
        Value::Object(fields) => Kind::StructValue(Struct {
            fields: fields.iter().map(|(key, value)| (key.clone(), carried(value))).collect(),
        }),
    };
    Carried { kind: Some(kind) }
}

fn is_exact(number: &Number) -> bool {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => number <= EXACT,
        (None, Some(number)) => number.unsigned_abs() <= EXACT,
        (None, None) => true,
    }
}

/// The object that a client sent.
pub(super) fn value(object: Struct) -> Value {
    Value::Object(fields(object))
}

/// Its fields.
pub(super) fn fields(object: Struct) -> Map<String, Value> {
    object.fields.into_iter().map(|(key, value)| (key, read(value))).collect()
}

/// Any value that a client sent.
pub(super) fn read(value: Carried) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::NumberValue(value)) => number(value),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(read).collect(),
        Some(Kind::StructValue(object)) => self::value(object),
    }
}

/// A number; one that is whole is written so. What JSON can't write is null.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it was looked whether it is whole and small enough"
)]
fn number(value: f64) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "a power of two is held exactly")]
    let is_whole = value.fract() == 0.0 && value.abs() <= EXACT as f64;
    if is_whole { Value::from(value as i64) } else { Value::from(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_carried_is_read_back() {
        let all = json!({
            "null": null, "yes": true, "text": "ü", "whole": 3, "negative": -9_007_199_254_740_992_i64,
            "part": 0.5, "list": [1, [], {}], "in": {"deep": {"er": 1}}, "at": 1_795_887_270_074_u64,
        });
        assert_eq!(value(object(&all).unwrap()), all);
        assert_eq!(object(&json!([1])), None);
    }

    #[test]
    fn what_a_double_does_not_hold_is_text() {
        let large = json!({"large": u64::MAX, "small": i64::MIN});
        let back = value(object(&large).unwrap());
        assert_eq!(back, json!({"large": u64::MAX.to_string(), "small": i64::MIN.to_string()}));
    }

    #[test]
    fn what_is_no_number_of_json_is_null() {
        let of = |value| read(Carried { kind: Some(Kind::NumberValue(value)) });
        assert_eq!((of(f64::NAN), of(f64::INFINITY)), (Value::Null, Value::Null));
        assert_eq!(of(1e300), json!(1e300));
    }
}
