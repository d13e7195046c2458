//! Which of an agent's own tools a step is, and its arguments: found in what the request declares, so that products
//! need no table of their tools.

use bottega_testkit::{Asked, Saying};
use serde_json::{Map, Value, json};

/// What the model wants in one turn.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Command lines, side by side.
    Shell(Vec<String>),
    /// Twenty lines of a file, from a line on.
    Read { path: String, from: usize },
}

impl Step {
    pub(crate) fn shell(line: impl Into<String>) -> Self {
        Self::Shell(vec![line.into()])
    }
}

/// Names under which agents run a command line.
const SHELLS: &[&str] = &[
    "shell",
    "shell_command",
    "exec_command",
    "bash",
    "run_shell_command",
    "developer__shell",
    "execute_command",
];

/// Names under which agents read a file.
const READERS: &[&str] =
    &["read_file", "read", "developer__read_file", "developer__text_editor", "text_editor"];

/// A tool that a request declares.
struct Declared<'r> {
    name: &'r str,
    schema: &'r Value,
}

/// The answer that calls the agent's tool for a step; nothing when it declares none.
pub(crate) fn saying(asked: &Asked, step: &Step) -> Option<Saying> {
    match step {
        Step::Shell(lines) => {
            let tool = find(asked, SHELLS)?;
            let calls =
                lines.iter().map(|line| tool.arguments(|name| shell_value(name, line, &tool)));
            Some(calls.fold(Saying::text(""), |saying, call| saying.and_call(tool.name, call)))
        }
        Step::Read { path, from } => {
            let tool = find(asked, READERS)?;
            let arguments = tool.arguments(|name| read_value(name, path, *from));
            Some(Saying::call(tool.name, arguments))
        }
    }
}

fn shell_value(name: &str, line: &str, tool: &Declared<'_>) -> Option<Value> {
    match name {
        "command" if tool.schema["properties"][name]["type"] == "array" => {
            Some(json!(["bash", "-c", line]))
        }
        "command" | "cmd" => Some(json!(line)),
        _ => None,
    }
}

fn read_value(name: &str, path: &str, from: usize) -> Option<Value> {
    Some(match name {
        "path" | "file_path" | "filePath" | "absolute_path" => json!(path),
        "start_line" | "offset" => json!(from),
        "line_count" | "limit" => json!(20),
        "end_line" => json!(from + 19),
        "view_range" => json!([from, from + 19]),
        // One tool of an editor's commands.
        "command" => json!("view"),
        _ => return None,
    })
}

fn find<'r>(asked: &'r Asked, names: &[&str]) -> Option<Declared<'r>> {
    let tools = declared(&asked.body);
    names.iter().find_map(|name| {
        let tool = tools.iter().find(|tool| tool.name.eq_ignore_ascii_case(name))?;
        Some(Declared { name: tool.name, schema: tool.schema })
    })
}

/// The tools of a request in any of the protocols.
fn declared(body: &Value) -> Vec<Declared<'_>> {
    let list = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let functions = list.iter().flat_map(|tool| match tool["functionDeclarations"].as_array() {
        Some(inner) => inner.iter().collect::<Vec<_>>(),
        None if tool["function"].is_object() => vec![&tool["function"]],
        None => vec![tool],
    });
    let schema = |tool: &'_ Value| {
        ["parameters", "input_schema", "parametersJsonSchema"]
            .into_iter()
            .find(|key| tool[*key].is_object())
    };
    functions
        .filter_map(|tool| {
            let name = tool["name"].as_str()?;
            Some(Declared { name, schema: schema(tool).map_or(&Value::Null, |key| &tool[key]) })
        })
        .collect()
}

impl Declared<'_> {
    /// The arguments: what is known, and something harmless for what else must be there.
    fn arguments(&self, known: impl Fn(&str) -> Option<Value>) -> String {
        let mut arguments = Map::new();
        let must = self.schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        let properties = self.schema["properties"].as_object();
        for (name, property) in properties.into_iter().flatten() {
            let must_be =
                || must.iter().any(|other| other == name.as_str()).then(|| harmless(property));
            if let Some(value) = known(name).or_else(must_be) {
                arguments.insert(name.clone(), value);
            }
        }
        Value::Object(arguments).to_string()
    }
}

fn harmless(property: &Value) -> Value {
    match property["type"].as_str() {
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(1),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ => property["enum"][0].as_str().map_or(json!("a step"), |first| json!(first)),
    }
}
