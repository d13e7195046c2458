//! The Jinja dialect that chat templates are written in: what Hugging Face's renderer adds to Jinja.

use std::sync::Arc;

use bottega_llm::ToolDeclaration;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

/// The name under which the one template of an environment is kept.
pub(crate) const NAME: &str = "chat";

/// An environment that holds `source` and what templates expect around it.
pub(crate) fn prepare(
    source: &str,
    begin: &str,
    end: &str,
    today: &str,
) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", |value: &Value, indent: Option<Value>, named: Kwargs| {
        let indent = indent.map_or_else(
            || named.get::<Option<usize>>("indent").unwrap_or(None),
            |value| usize::try_from(value).ok(),
        );
        match indent {
            None => to_json(value),
            Some(width) => to_indented_json(value, width),
        }
    });
    environment.add_function("raise_exception", |why: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, why))
    });
    let today = today.to_owned();
    environment.add_function("strftime_now", move |format: String| strftime(&format, &today));
    environment.add_global("bos_token", begin);
    environment.add_global("eos_token", end);
    environment.add_template_owned(NAME, source.to_owned())?;
    Ok(environment)
}

/// A tool as templates expect it: the shape of OpenAI's function declarations.
pub(crate) fn declaration(tool: &ToolDeclaration) -> Value {
    let function = Value::from_pairs([
        ("name", Value::from(tool.name.as_str())),
        ("description", Value::from(tool.description.as_str())),
        ("parameters", from_json(&tool.input_schema)),
    ]);
    Value::from_pairs([("type", Value::from("function")), ("function", function)])
}

fn from_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::from(()),
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or_else(|| Value::from(number.to_string())),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(from_json).collect(),
        Json::Object(fields) => {
            Value::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), from_json(value))))
        }
    }
}

/// A call's arguments: fields for templates that look inside, and the very text that the model
/// wrote for those that print them, so that the prompt repeats it to the byte.
#[derive(Debug)]
pub(crate) struct Arguments {
    text: String,
    fields: Value,
}

impl Arguments {
    pub(crate) fn new(text: &str) -> Self {
        let parsed = serde_json::from_str::<serde_json::Value>(text);
        let fields = parsed.map_or_else(|_| Value::from(()), |value| from_json(&value));
        Self { text: text.to_owned(), fields }
    }
}

impl Object for Arguments {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.fields.get_item(key).ok().filter(|value| !value.is_undefined())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.fields.try_iter().map_or(Enumerator::Empty, |keys| Enumerator::Values(keys.collect()))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// JSON with a space after each comma and colon, nothing escaped beyond need: Python's
/// `json.dumps(value, ensure_ascii=False)`, which the models were trained on.
pub(crate) fn to_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, None, 0, &mut text);
    text
}

fn to_indented_json(value: &Value, width: usize) -> String {
    let mut text = String::new();
    write(value, Some(width), 0, &mut text);
    text
}

fn write(value: &Value, indent: Option<usize>, depth: usize, text: &mut String) {
    if let Some(arguments) = value.downcast_object_ref::<Arguments>() {
        text.push_str(&arguments.text);
        return;
    }
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => text.push_str("null"),
        ValueKind::Bool | ValueKind::Number => text.push_str(&value.to_string().to_lowercase()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
            enclose(('[', ']'), items.len(), indent, depth, text, |index, text| {
                write(&items[index], indent, depth + 1, text);
            });
        }
        ValueKind::Map => {
            let keys = value.try_iter().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
            enclose(('{', '}'), keys.len(), indent, depth, text, |index, text| {
                quote(&keys[index].to_string(), text);
                text.push_str(": ");
                let item = value.get_item(&keys[index]).unwrap_or_default();
                write(&item, indent, depth + 1, text);
            });
        }
        ValueKind::String | ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid | _ => {
            quote(&value.to_string(), text);
        }
    }
}

fn enclose(
    (open, close): (char, char),
    count: usize,
    indent: Option<usize>,
    depth: usize,
    text: &mut String,
    mut item: impl FnMut(usize, &mut String),
) {
    let line = |text: &mut String, depth: usize| {
        if let (Some(width), true) = (indent, count > 0) {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', width * depth));
        }
    };
    text.push(open);
    for index in 0..count {
        if index > 0 {
            text.push_str(if indent.is_some() { "," } else { ", " });
        }
        line(text, depth + 1);
        item(index, text);
    }
    line(text, depth);
    text.push(close);
}

fn quote(string: &str, text: &mut String) {
    // Serialising a string can't fail.
    text.push_str(&serde_json::to_string(string).unwrap_or_default());
}

/// The few date formats that templates use, from a day written `2026-11-20`.
fn strftime(format: &str, today: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut parts = today.splitn(3, '-');
    let year = parts.next().unwrap_or_default();
    let month = parts.next().unwrap_or_default();
    let day = parts.next().unwrap_or_default();
    let name =
        month.parse::<usize>().ok().and_then(|m| MONTHS.get(m.wrapping_sub(1))).unwrap_or(&"");
    format
        .replace("%Y", year)
        .replace("%m", month)
        .replace("%d", day)
        .replace("%B", name)
        .replace("%b", name.get(..3).unwrap_or(name))
        .replace("%H", "00")
        .replace("%M", "00")
        .replace("%S", "00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_spaced_and_keeps_order() {
        let value = serde_json::json!({"b": [1, 2.5, true, null], "a": {"x": "é\"\n<"}, "e": {}});
        assert_eq!(
            to_json(&from_json(&value)),
            r#"{"b": [1, 2.5, true, null], "a": {"x": "é\"\n<"}, "e": {}}"#
        );
    }

    #[test]
    fn arguments_print_as_they_were_written() {
        let value = Value::from_object(Arguments::new("{\"n\":1.50,  \"p\": \"a\"}"));
        assert_eq!(to_json(&value), "{\"n\":1.50,  \"p\": \"a\"}");
        assert_eq!(value.get_attr("p").unwrap().to_string(), "a");
    }

    #[test]
    fn dates_follow_the_format() {
        assert_eq!(strftime("%d %b %Y", "2026-11-20"), "20 Nov 2026");
    }
}
