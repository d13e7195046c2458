use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bottega_policy::{AccessMode, Need, Place, Question, Reply as Answer};
use bottega_testkit::{FakeSandbox, FakeWorkspace, Remembered, Reply};
use bottega_tool::{
    CommandSink, CommandSpec, Ending, JobLook, Jobs, NoWeb, Respondent, StreamName, TooManyJobs,
    Tool, ToolContext, ToolError, ToolOutput,
};
use bottega_types::Digest;
use serde_json::{Value, json};

use super::{BUILT_IN, SMALL};

mod calls;
mod changes;
mod commands;
mod conversation;
mod web;

/// Remembers what was shown.
#[derive(Default)]
struct Screen(Mutex<String>);

impl CommandSink for Screen {
    fn output(&self, _: StreamName, bytes: &[u8]) {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
    }
}

/// Always answers in the same way, and remembers the questions.
struct Person {
    reply: Answer,
    asked: Mutex<Vec<Question>>,
}

#[async_trait::async_trait]
impl Respondent for Person {
    async fn answer(&self, question: &Question) -> Answer {
        self.asked.lock().unwrap().push(question.clone());
        self.reply.clone()
    }
}

/// Room for one job, which writes a line a look and ends at the second.
#[derive(Default)]
struct OneJob(Mutex<Option<(CommandSpec, usize)>>, Mutex<Vec<Need>>);

#[async_trait::async_trait]
impl Jobs for OneJob {
    fn start(&self, command: CommandSpec, _: &str, sources: Vec<Need>) -> Result<u32, TooManyJobs> {
        *self.1.lock().unwrap() = sources;
        let mut job = self.0.lock().unwrap();
        if job.is_some() {
            return Err(TooManyJobs { running: 1 });
        }
        *job = Some((command, 0));
        Ok(7)
    }

    fn sources(&self, _: u32) -> Vec<Need> {
        self.1.lock().unwrap().clone()
    }

    async fn look(&self, id: u32, _: Duration) -> Option<JobLook> {
        let mut job = self.0.lock().unwrap();
        let (command, looks) = job.as_mut().filter(|_| id == 7)?;
        *looks += 1;
        let ended = (*looks == 2).then_some(Ok(Ending::Exited(3)));
        let look = JobLook {
            line: command.argv.last().unwrap().clone(),
            output: format!("line {looks}\n"),
            omitted: 0,
            ended,
        };
        if look.ended.is_some() {
            *job = None;
        }
        Some(look)
    }

    async fn stop(&self, id: u32) -> Option<JobLook> {
        let mut look = self.look(id, Duration::ZERO).await?;
        look.ended = None;
        *self.0.lock().unwrap() = None;
        Some(look)
    }

    fn all(&self) -> Vec<(u32, String)> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|(spec, _)| (7, spec.argv.last().unwrap().clone()))
            .collect()
    }
}

/// A workspace, a sandbox, and what a session remembers between calls.
struct Bench {
    workspace: Arc<FakeWorkspace>,
    sandbox: Arc<FakeSandbox>,
    screen: Arc<Screen>,
    context: ToolContext,
}

impl Bench {
    fn new(workspace: FakeWorkspace, sandbox: FakeSandbox) -> Self {
        let (workspace, sandbox) = (Arc::new(workspace), Arc::new(sandbox));
        let screen = Arc::new(Screen::default());
        let context = ToolContext {
            workspace: workspace.clone(),
            sandbox: sandbox.clone(),
            versions: Arc::new(Remembered::default()),
            sink: screen.clone(),
            person: Arc::new(Person { reply: Answer::Unavailable, asked: Mutex::default() }),
            jobs: Arc::new(OneJob::default()),
            web: Arc::new(NoWeb),
            mode: AccessMode::Auto,
            output_limit: 4_000,
        };
        Self { workspace, sandbox, screen, context }
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
    let mut small = 0;
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
        let size = json!({ "name": name, "description": description, "parameters": parameters })
            .to_string()
            .len();
        small += if SMALL.contains(&name) { size } else { 0 };
    }
    // About four bytes a token: with a prompt of 600 tokens, 1,500 tokens for a small model.
    assert!(small <= 3_600, "{small} bytes of declarations for a small model");
}

#[test]
fn the_declarations_read_as_reviewed() {
    let all: Vec<Value> =
        BUILT_IN.iter().map(|tool| json!({ tool.name(): tool.schema() })).collect();
    insta::assert_json_snapshot!(all);
}
