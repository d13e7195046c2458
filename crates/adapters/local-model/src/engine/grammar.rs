//! What an answer may look like, as a Lark grammar in llguidance's dialect.
//!
//! A call is written as in the templates: `<tool_call>\n{"name": "N", "arguments": A}\n</tool_call>`,
//! with JSON spaced as the models were trained on, so that a call reads the same when it comes
//! back in the history.

use std::fmt::Write as _;

use bottega_llm::{ChatRequest, OutputFormat, ToolChoice, ToolDeclaration};
use serde_json::{Map, Value, json};

use super::template::{CALL_CLOSES, CALL_OPENS};

/// What an answer must follow from its first token on. `None` when it may be anything.
pub(crate) fn whole(request: &ChatRequest, thought: usize) -> Option<String> {
    let callable = callable(request);
    match (&request.tool_choice, callable.is_empty()) {
        (ToolChoice::Required | ToolChoice::Named(_), false) => {
            let mut lark = String::from("start: ");
            if thought > 0 {
                let _ = writeln!(lark, "thought? call\nthought: THOUGHT \"\\n\"");
                let _ = writeln!(lark, "THOUGHT: /[^\\s<>{{}}`][^\\n<>{{}}`]{{0,{thought}}}/");
            } else {
                lark.push_str("call\n");
            }
            calls(&mut lark, &callable, request.narrowed.as_deref());
            Some(lark)
        }
        (ToolChoice::Required | ToolChoice::Named(_), true) => None,
        (ToolChoice::Auto | ToolChoice::None, _) => match output_schema(&request.output) {
            None => None,
            Some(schema) if callable.is_empty() => {
                Some(format!("start: output\noutput: %json {}\n", spaced(&schema)))
            }
            Some(schema) => {
                let mut lark = String::from("start: output | call (\"\\n\" call)*\n");
                let _ = writeln!(lark, "output: %json {}", spaced(&schema));
                calls(&mut lark, &callable, None);
                Some(lark)
            }
        },
    }
}

/// What must follow once a free answer has begun a call with [`CALL_OPENS`].
pub(crate) fn after_opener(request: &ChatRequest) -> String {
    let mut lark = String::from("start: body (\"\\n\" call)*\n");
    calls(&mut lark, &callable(request), None);
    lark
}

/// What must follow once a free answer has begun a call without tags: `{"name": "`.
pub(crate) fn after_bare_opener(request: &ChatRequest) -> String {
    let mut lark = String::from("start: tool \"}\"\n");
    calls(&mut lark, &callable(request), None);
    lark
}

/// The tools that this answer may call.
pub(crate) fn callable(request: &ChatRequest) -> Vec<&ToolDeclaration> {
    match &request.tool_choice {
        ToolChoice::None => Vec::new(),
        ToolChoice::Auto | ToolChoice::Required => request.tools.iter().collect(),
        ToolChoice::Named(name) => request.tools.iter().filter(|tool| tool.name == *name).collect(),
    }
}

fn calls(lark: &mut String, tools: &[&ToolDeclaration], narrowed: Option<&Value>) {
    let quoted = |text: &str| Value::from(text).to_string();
    let _ = writeln!(lark, "call: {} body", quoted(CALL_OPENS));
    let end = format!("}}\n{CALL_CLOSES}");
    let _ = writeln!(lark, "body: {} tool {}", quoted("\n{\"name\": \""), quoted(&end));
    let names: Vec<String> = (0..tools.len()).map(|index| format!("tool{index}")).collect();
    let _ = writeln!(lark, "tool: {}", names.join(" | "));
    for (name, tool) in names.iter().zip(tools) {
        let head = quoted(&format!("{}\", \"arguments\": ", tool.name));
        let schema = spaced(&closed(narrowed.unwrap_or(&tool.input_schema)));
        let _ = writeln!(lark, "{name}: {head} {name}args\n{name}args: %json {schema}");
    }
}

fn output_schema(output: &OutputFormat) -> Option<Value> {
    match output {
        OutputFormat::Text => None,
        OutputFormat::JsonObject => Some(json!({"type": "object"})),
        OutputFormat::JsonSchema { schema, .. } => Some(closed(schema)),
    }
}

/// Asks llguidance for one spelling of JSON, and for indulgence with keywords it doesn't know.
fn spaced(schema: &Value) -> String {
    let mut fields = schema.as_object().cloned().unwrap_or_default();
    let style = json!({
        "whitespace_flexible": false,
        "item_separator": ", ",
        "key_separator": ": ",
        "lenient": true,
    });
    fields.insert("x-guidance".to_owned(), style);
    Value::Object(fields).to_string()
}

/// Keeps small models from inventing fields: an object that lists its properties takes no others,
/// unless the schema says more about it. What this allows, the schema allows too.
fn closed(schema: &Value) -> Value {
    const OPEN: [&str; 8] = [
        "additionalProperties",
        "patternProperties",
        "unevaluatedProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "$ref",
        "if",
    ];
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let mut fields: Map<String, Value> =
        fields.iter().map(|(name, value)| (name.clone(), closed_field(name, value))).collect();
    if fields.contains_key("properties") && !OPEN.iter().any(|name| fields.contains_key(*name)) {
        fields.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Value::Object(fields)
}

fn closed_field(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("properties" | "$defs" | "definitions", Value::Object(fields)) => {
            fields.iter().map(|(name, schema)| (name.clone(), closed(schema))).collect()
        }
        ("items", schema) => closed(schema),
        (_, other) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_objects_are_closed_and_others_left_alone() {
        let schema = json!({
            "type": "object",
            "properties": {
                "edits": {"type": "array", "items": {"type": "object", "properties": {"old": {}}}},
                "any": {"type": "object"},
                "open": {"properties": {"a": {}}, "additionalProperties": true},
                "either": {"properties": {"a": {}}, "anyOf": [{}]},
            },
            "default": {"properties": {}},
        });
        let closed = closed(&schema);
        let at = |path: &str| closed.pointer(path).cloned();
        assert_eq!(at("/additionalProperties"), Some(json!(false)));
        assert_eq!(at("/properties/edits/items/additionalProperties"), Some(json!(false)));
        assert_eq!(at("/properties/any/additionalProperties"), None);
        assert_eq!(at("/properties/open/additionalProperties"), Some(json!(true)));
        assert_eq!(at("/properties/either/additionalProperties"), None);
        assert_eq!(at("/default/additionalProperties"), None);
    }

    #[test]
    fn a_free_answer_needs_no_grammar() {
        let request = ChatRequest::new("m", vec![]);
        assert_eq!(whole(&request, 0), None);
    }
}
