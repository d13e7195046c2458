//! Tools of a worker, and what happens around their calls.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bottega_policy::{Approval, ApprovalRequest, Approver, Need, Place};
use bottega_store::{Blobs, MemoryStore};
use bottega_tool::{
    Effect, FileChange, Prepared, Tool, ToolContext, ToolError, ToolOutput, parse_arguments,
};
use bottega_types::Digest;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::world::World;

/// `slow` takes its time before it can be judged, `write` does not; `keep` keeps a blob and waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TestTool {
    Slow,
    Write,
    Keep,
}

pub(crate) const ALL: &[&dyn Tool] = &[&TestTool::Slow, &TestTool::Write, &TestTool::Keep];

/// What `keep` meets: where it keeps its blob, whom it tells, and for what it waits.
pub(crate) static KEEPING: Mutex<Option<Keeping>> = Mutex::new(None);

#[derive(Clone)]
pub(crate) struct Keeping {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) kept: Arc<Notify>,
    pub(crate) go_on: Arc<Notify>,
}

pub(crate) const KEPT: &[u8] = b"kept, and not yet told of";

#[derive(serde::Deserialize)]
struct Input {
    path: String,
}

#[async_trait]
impl Tool for TestTool {
    fn name(&self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Write => "write",
            Self::Keep => "keep",
        }
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object", "description": "Does it.",
            "properties": { "path": { "type": "string" } }, "required": ["path"],
        })
    }

    async fn prepare(
        &self,
        arguments: &str,
        _: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let Input { path } = parse_arguments(arguments)?;
        if matches!(self, Self::Slow) {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
        Ok(Box::new(Doing { tool: *self, path }))
    }
}

struct Doing {
    tool: TestTool,
    path: String,
}

#[async_trait]
impl Prepared for Doing {
    fn needs(&self) -> Vec<Need> {
        vec![Need::Write { path: self.path.clone(), place: Place::Inside }]
    }

    fn summary(&self) -> String {
        self.path.clone()
    }

    async fn details(&self, _: &ToolContext) -> String {
        String::new()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        if matches!(self.tool, TestTool::Keep) {
            let keeping = KEEPING.lock().unwrap().clone().unwrap();
            keeping.store.put(KEPT).await.unwrap();
            keeping.kept.notify_one();
            keeping.go_on.notified().await;
            // The report names it, as it names the whole of a long output.
            let full = Some(String::from_utf8(KEPT.to_vec()).unwrap());
            return Ok(ToolOutput { full, ..ToolOutput::text("kept") });
        }
        let before = context.workspace.stat(&self.path).await?;
        let expected = before.map(|_| Digest::of(b"before\n"));
        let written = context.workspace.write(&self.path, "after\n", expected).await?;
        let (before, after) = (written.before, Some(written.after));
        let change = FileChange::new(self.path.clone(), before, after, written.mode);
        Ok(ToolOutput { changes: vec![change], ..ToolOutput::text("written") })
    }
}

/// Says yes, and remembers in which order it was asked.
#[derive(Default)]
pub(crate) struct Person(pub(crate) Mutex<Vec<String>>);

#[async_trait]
impl Approver for Person {
    async fn ask(&self, request: &ApprovalRequest) -> Approval {
        self.0.lock().unwrap().push(request.summary.clone());
        tokio::task::yield_now().await;
        Approval::Once
    }
}

/// Calls that run side by side ask a person in the order in which the model made them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn questions_come_in_the_order_of_the_calls() {
    for parallel_tools in [1, 2, 8] {
        let world = World::new([]);
        let handle = world.begin_asking(parallel_tools).await;
        let mut updates = handle.updates();
        world.task(&handle, "call slow=a write=b slow=c write=d write=e slow=f").await;
        world.ended(&mut updates).await;
        assert_eq!(*world.person.0.lock().unwrap(), ["a", "b", "c", "d", "e", "f"]);
    }
}
