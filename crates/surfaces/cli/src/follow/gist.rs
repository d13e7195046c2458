//! What a tool call is about, in one line.

use serde_json::Value;

use crate::visible;

/// The arguments that say most, in this order.
const TELLING: [&str; 7] = ["command", "path", "pattern", "query", "filter", "name", "url"];

/// What the arguments of a call say, in one line: the telling ones bare, the rest by name.
pub(super) fn gist(arguments: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(arguments) else {
        return visible::first_line(&arguments.split_whitespace().collect::<Vec<_>>().join(" "));
    };
    let told: Vec<&str> = TELLING
        .into_iter()
        .filter(|name| fields.get(*name).is_some_and(Value::is_string))
        .collect();
    let bare = told.iter().filter_map(|name| fields.get(*name)).map(one_line);
    let named = fields
        .iter()
        .filter(|(name, value)| {
            let said = told.contains(&name.as_str());
            // Beside a path or a command, other texts are contents.
            !said && is_short(value) && (told.is_empty() || !value.is_string())
        })
        .map(|(name, value)| format!("{}={}", visible::first_line(name), one_line(value)));
    bare.chain(named).collect::<Vec<_>>().join(" ")
}

/// Whether a value says something in a line: file contents and edits don't.
fn is_short(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= 40 && !text.contains('\n'),
        Value::Array(items) => items.len() <= 4 && items.iter().all(is_short),
        Value::Object(_) => false,
    }
}

fn one_line(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines = text.lines();
    let first = visible::first_line(&bottega_tool::spelled(lines.next().unwrap_or_default()));
    if lines.next().is_some() { format!("{first} …") } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arguments: &str, expected: &str) {
        assert_eq!(gist(arguments), expected);
    }

    #[test]
    fn telling_arguments_come_first() {
        check(r#"{"command":"cargo test"}"#, "cargo test");
        check(r#"{"timeout":5,"command":"ls\nrm x"}"#, "ls … timeout=5");
        check(r#"{"path":"src/lib.rs","old":"a\nb","new":"c"}"#, "src/lib.rs");
        check(r#"{"within":["*.rs"],"pattern":"fn x"}"#, r#"fn x within=["*.rs"]"#);
        check(r#"{"text":"short","deep":{}}"#, "text=short");
        check("{}", "");
        check(r#"{"command":"touch x; #\rls"}"#, "touch x; #<U+000D>ls");
        check(r#"{"path":"e\u001b[2Jvil"}"#, "e<U+001B>[2Jvil");
        check("not \n json\u{1b}[1m", "not json");
    }
}
