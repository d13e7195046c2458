use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use bottega_policy::{AccessMode, Need, Place};
use bottega_testkit::{FakeSandbox, FakeWorkspace, Reply};
use bottega_tool::{
    CommandSink, FileVersions, StreamName, Tool, ToolContext, ToolError, ToolOutput,
};
use bottega_types::Digest;
use serde_json::{Value, json};

use super::BUILT_IN;

mod calls;
mod commands;

#[derive(Default)]
struct Versions(Mutex<HashMap<String, Digest>>);

impl FileVersions for Versions {
    fn seen(&self, path: &str) -> Option<Digest> {
        self.0.lock().unwrap().get(path).copied()
    }

    fn saw(&self, path: &str, digest: Digest) {
        self.0.lock().unwrap().insert(path.to_owned(), digest);
    }
}

struct Nowhere;

impl CommandSink for Nowhere {
    fn output(&self, _: StreamName, _: &[u8]) {}
}

/// A workspace, a sandbox, and what a session remembers between calls.
struct Bench {
    workspace: Arc<FakeWorkspace>,
    sandbox: Arc<FakeSandbox>,
    context: ToolContext,
}

impl Bench {
    fn new(workspace: FakeWorkspace, sandbox: FakeSandbox) -> Self {
        let (workspace, sandbox) = (Arc::new(workspace), Arc::new(sandbox));
        let context = ToolContext {
            workspace: workspace.clone(),
            sandbox: sandbox.clone(),
            versions: Arc::new(Versions::default()),
            sink: Arc::new(Nowhere),
            mode: AccessMode::Auto,
            output_limit: 4_000,
        };
        Self { workspace, sandbox, context }
    }

    fn files(workspace: FakeWorkspace) -> Self {
        Self::new(workspace, FakeSandbox::new())
    }

    async fn needs(&self, tool: &str, arguments: Value) -> Vec<Need> {
        find(tool).prepare(&arguments.to_string(), &self.context).await.unwrap().needs()
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<ToolOutput, ToolError> {
        find(tool).prepare(&arguments.to_string(), &self.context).await?.run(&self.context).await
    }

    async fn text(&self, tool: &str, arguments: Value) -> String {
        self.call(tool, arguments).await.unwrap().text
    }

    /// Calls a tool that must refuse with these words.
    async fn refused(&self, tool: &str, arguments: Value, words: &str) {
        let refusal = self.call(tool, arguments).await.unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
}

fn find(name: &str) -> &'static dyn Tool {
    *BUILT_IN.iter().find(|tool| tool.name() == name).unwrap()
}

#[test]
fn no_two_tools_share_a_name() {
    let names: BTreeSet<&str> = BUILT_IN.iter().map(|tool| tool.name()).collect();
    assert_eq!(names.len(), BUILT_IN.len());
    let is_word = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    assert!(names.iter().all(is_word));
}

#[test]
fn every_tool_is_documented_in_few_words() {
    let mut size = 0;
    for tool in BUILT_IN {
        let schema = tool.schema();
        let name = tool.name();
        let description =
            schema["description"].as_str().unwrap_or_else(|| panic!("{name}: no description"));
        assert!((20..=160).contains(&description.len()), "{name}: {description}");
        assert!(!description.contains('\n'), "{name}: {description:?}");
        for (field, says) in schema["properties"].as_object().unwrap() {
            let about = says["description"]
                .as_str()
                .unwrap_or_else(|| panic!("{name}.{field}: undocumented"));
            assert!((8..=90).contains(&about.len()), "{name}.{field}: {about}");
        }
        let mut parameters = schema.clone();
        parameters.as_object_mut().unwrap().remove("description");
        size += json!({ "name": name, "description": description, "parameters": parameters })
            .to_string()
            .len();
    }
    // About four bytes a token: with a prompt of 600 tokens, 1,500 tokens for a small model.
    assert!(size <= 3_600, "{size} bytes of declarations");
}

#[test]
fn the_declarations_read_as_reviewed() {
    let all: Vec<Value> =
        BUILT_IN.iter().map(|tool| json!({ tool.name(): tool.schema() })).collect();
    insta::assert_json_snapshot!(all);
}
