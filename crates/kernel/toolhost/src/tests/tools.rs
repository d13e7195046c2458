//! Tools for these tests.

use bottega_policy::Place;
use bottega_tool::{
    CommandSpec, Effect, FileChange, Prepared, Tool, ToolContext, ToolError, ToolOutput,
    parse_arguments,
};
use serde::Deserialize;

use super::*;

pub(super) const ALL: &[&dyn Tool] = &[
    &TestTool::Say,
    &TestTool::Store,
    &TestTool::Run,
    &TestTool::Fetch,
    &TestTool::Get,
    &TestTool::Break,
];

/// What the tools of these tests do.
#[derive(Clone, Copy)]
pub(super) enum TestTool {
    /// Gives back a text, many times over.
    Say,
    /// Writes a file.
    Store,
    /// Runs a command.
    Run,
    /// Says what a host said.
    Fetch,
    /// Gets an address.
    Get,
    /// Panics.
    Break,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    text: String,
    times: usize,
    excerpt: bool,
    path: String,
    command: String,
    parts: Vec<String>,
    when: String,
}

#[async_trait]
impl Tool for TestTool {
    fn name(&self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Store => "store",
            Self::Run => "run",
            Self::Fetch => "fetch",
            Self::Get => "get",
            Self::Break => "break",
        }
    }

    fn effect(&self) -> Effect {
        match self {
            Self::Say | Self::Get => Effect::ReadOnly,
            Self::Store | Self::Run | Self::Fetch | Self::Break => Effect::Changes,
        }
    }

    fn schema(&self) -> Value {
        let text = json!({ "type": "string" });
        let (properties, required) = match self {
            Self::Say => (
                json!({ "text": text, "times": { "type": "integer" }, "excerpt": { "type": "boolean" } }),
                json!(["text"]),
            ),
            Self::Store => (json!({ "path": text, "text": text }), json!(["path", "text"])),
            Self::Run => (
                json!({ "command": text, "parts": { "type": "array", "items": text } }),
                json!(["command"]),
            ),
            Self::Fetch | Self::Get => (json!({ "path": text, "text": text }), json!(["path"])),
            Self::Break => (json!({ "when": text }), json!([])),
        };
        json!({ "type": "object", "description": "Does it.", "properties": properties, "required": required })
    }

    async fn prepare(
        &self,
        arguments: &str,
        _: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let input: Input = parse_arguments(arguments)?;
        assert_ne!(input.when, "prepare", "told to break");
        Ok(Box::new(Doing { tool: *self, input }))
    }
}

struct Doing {
    tool: TestTool,
    input: Input,
}

#[async_trait]
impl Prepared for Doing {
    fn needs(&self) -> Vec<Need> {
        let (path, place) = (self.input.path.clone(), Place::Inside);
        match self.tool {
            TestTool::Say => Vec::new(),
            TestTool::Store if path == ".env" => {
                vec![Need::Write { path, place: Place::Protected }]
            }
            TestTool::Store => vec![Need::Write { path, place }],
            TestTool::Run => vec![Need::Execute {
                command: self.input.command.clone(),
                parts: self.input.parts.clone(),
                caged: true,
            }],
            TestTool::Get if path.is_empty() => Vec::new(),
            TestTool::Fetch | TestTool::Get => vec![Need::Network { host: path }],
            TestTool::Break => Vec::new(),
        }
    }

    fn summary(&self) -> String {
        format!("do {}{}{}", self.input.path, self.input.command, self.input.text)
    }

    async fn details(&self, _: &ToolContext) -> String {
        format!("details of {}{}{}", self.input.path, self.input.command, self.input.text)
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let input = &self.input;
        match self.tool {
            TestTool::Say => {
                let text = input.text.repeat(input.times.max(1));
                let full = input.excerpt.then(|| text.clone());
                let text = if input.excerpt { "the gist".to_owned() } else { text };
                Ok(ToolOutput { text, full, ..ToolOutput::default() })
            }
            TestTool::Store => {
                let before = Digest::of(b"before\n");
                let written =
                    context.workspace.write(&input.path, &input.text, Some(before)).await?;
                let change = FileChange::new(
                    input.path.clone(),
                    written.before,
                    Some(written.after),
                    written.mode,
                );
                Ok(ToolOutput { changes: vec![change], ..ToolOutput::text("stored") })
            }
            TestTool::Run => {
                let command = CommandSpec {
                    argv: vec![input.command.clone()],
                    directory: "/w".into(),
                    writable: Vec::new(),
                    guarded: bottega_tool::Guarded::default(),
                    environment: std::collections::BTreeMap::new(),
                    network: false,
                    hosts: Vec::new(),
                    caged: true,
                    timeout: Duration::from_secs(1),
                    keep_output: 10,
                };
                let outcome = context.sandbox.run(&command, &*context.sink).await?;
                Ok(ToolOutput {
                    failed: true,
                    exit_code: Some(1),
                    ..ToolOutput::text(outcome.output)
                })
            }
            TestTool::Fetch => Ok(ToolOutput::text(input.text.clone())),
            TestTool::Get => {
                let answer = context.web.get(&input.text.parse().unwrap()).await?;
                Ok(ToolOutput::text(String::from_utf8(answer.body).unwrap()))
            }
            TestTool::Break => panic!("told to break"),
        }
    }
}
