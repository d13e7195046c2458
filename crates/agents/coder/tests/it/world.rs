//! Tools over a real workspace, judged as in access mode `auto`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bottega_coder::BUILT_IN;
use bottega_policy::{AccessMode, Need, Request, Rules, Verdict, judge};
use bottega_testkit::{RealMachine, Remembered, Unwatched};
use bottega_tool::{NoWeb, ToolContext, ToolOutput};
use serde_json::Value;

pub(crate) struct World {
    pub(crate) machine: RealMachine,
    pub(crate) context: ToolContext,
}

impl World {
    pub(crate) fn new(mode: AccessMode) -> Self {
        let machine = RealMachine::new().unwrap();
        let context = ToolContext {
            workspace: machine.workspace().unwrap(),
            sandbox: machine.sandbox(),
            versions: Arc::new(Remembered::default()),
            sink: Arc::new(Unwatched),
            person: Arc::new(Unwatched),
            jobs: Arc::new(Unwatched),
            web: Arc::new(NoWeb),
            mode,
            output_limit: 12_000,
        };
        Self { machine, context }
    }

    /// A path below the folder around the workspace; the workspace is `w`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.machine.around().join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) async fn needs(&self, tool: &str, arguments: &Value) -> Vec<Need> {
        let tool = BUILT_IN.iter().find(|known| known.name() == tool).unwrap();
        tool.prepare(&arguments.to_string(), &self.context).await.unwrap().needs()
    }

    /// Calls a tool as the host does, a person apart: what the policy would ask for is refused.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> Result<ToolOutput, String> {
        let known = BUILT_IN.iter().find(|known| known.name() == tool).unwrap();
        let prepared = known.prepare(&arguments.to_string(), &self.context).await;
        let prepared = prepared.map_err(|error| self.told(&error.to_string()))?;
        let request =
            Request { tool: tool.to_owned(), needs: prepared.needs(), carries: Vec::new() };
        match judge(self.context.mode, &Rules::default(), &[], &request) {
            Verdict::Allow => {}
            Verdict::Ask { why } => return Err(self.told(&format!("a person is asked: {why}"))),
            Verdict::Deny { why } => return Err(self.told(&format!("not allowed: {why}"))),
        }
        prepared.run(&self.context).await.map_err(|error| self.told(&error.to_string()))
    }

    /// Calls a tool as if a person had said yes.
    pub(crate) async fn allowed(
        &self,
        tool: &str,
        arguments: &Value,
    ) -> Result<ToolOutput, String> {
        let known = BUILT_IN.iter().find(|known| known.name() == tool).unwrap();
        let prepared = known.prepare(&arguments.to_string(), &self.context).await;
        let prepared = prepared.map_err(|error| self.told(&error.to_string()))?;
        prepared.run(&self.context).await.map_err(|error| self.told(&error.to_string()))
    }

    /// The text without the places of this run.
    fn told(&self, text: &str) -> String {
        text.replace(&*self.machine.around().to_string_lossy(), "OUT")
    }
}
