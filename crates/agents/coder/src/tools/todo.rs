//! `todo`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, Prepared, StreamName, Tool, ToolContext, ToolError, ToolOutput, describe,
    parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Steps of a list at most.
const MOST: usize = 50;
/// Bytes of a step at most.
const LONGEST: usize = 300;

/// Keeps your list of steps; the user sees it. Give the whole list.
#[derive(Debug, Deserialize, JsonSchema)]
struct TodoInput {
    /// Each begins with [ ], [>] when under way, or [x] when done.
    items: Vec<String>,
}

/// Keeps a list of steps. The list is the record of the call: nothing else holds it, so nothing can lose it.
#[derive(Debug)]
pub(super) struct Todo;

#[async_trait]
impl Tool for Todo {
    fn name(&self) -> &'static str {
        "todo"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<TodoInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        _: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let TodoInput { items } = parse_arguments(arguments)?;
        let steps: Vec<Step> = items.iter().filter_map(|item| Step::read(item)).collect();
        let bad = |why: String| Err(ToolError::BadArguments { why });
        if steps.len() > MOST {
            return bad(format!("a list has at most {MOST} items, and this has {}", steps.len()));
        }
        if let Some(step) = steps.iter().find(|step| step.text.len() > LONGEST) {
            let start: String = step.text.chars().take(40).collect();
            return bad(format!("an item has at most {LONGEST} bytes: `{start}…` is longer"));
        }
        Ok(Box::new(Listing { steps }))
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    UnderWay,
    Done,
}

impl State {
    const fn sign(self) -> &'static str {
        match self {
            Self::Open => "[ ]",
            Self::UnderWay => "[>]",
            Self::Done => "[x]",
        }
    }
}

#[derive(Debug)]
struct Step {
    state: State,
    text: String,
}

impl Step {
    /// A step as models write it: with or without a bullet and a box. Nothing for a blank one.
    fn read(item: &str) -> Option<Self> {
        let item = item.trim().trim_start_matches(['-', '*', ' ']);
        let boxed = item.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (state, text) = match boxed.map(|(sign, text)| (sign.trim(), text)) {
            Some(("", text)) => (State::Open, text),
            Some(("x" | "X" | "✓", text)) => (State::Done, text),
            Some((">" | "~" | "-", text)) => (State::UnderWay, text),
            Some(_) | None => (State::Open, item),
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(Self { state, text })
    }
}

struct Listing {
    steps: Vec<Step>,
}

impl Listing {
    fn count(&self) -> String {
        let done = self.steps.iter().filter(|step| step.state == State::Done).count();
        format!("{done} of {} done", self.steps.len())
    }

    fn list(&self) -> String {
        self.steps.iter().map(|step| format!("{} {}\n", step.state.sign(), step.text)).collect()
    }
}

#[async_trait]
impl Prepared for Listing {
    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    fn summary(&self) -> String {
        let now = self.steps.iter().find(|step| step.state == State::UnderWay);
        let now = now.map(|step| format!(", now: {}", step.text)).unwrap_or_default();
        format!("todo: {}{now}", self.count())
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.list()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let list = self.list();
        context.sink.output(StreamName::Out, list.as_bytes());
        Ok(ToolOutput::text(format!("{}\n{list}", self.count())))
    }
}
