//! `git_status`.

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{
    Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::command::status;
use crate::git::{Git, looking_needs};

/// Shows branch and changed files.
#[derive(Debug, Deserialize, JsonSchema)]
struct GitStatusInput {}

/// Shows the state of the working tree.
#[derive(Debug)]
pub(super) struct GitStatus;

#[async_trait]
impl Tool for GitStatus {
    fn name(&self) -> &'static str {
        "git_status"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<GitStatusInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let GitStatusInput {} = parse_arguments(arguments)?;
        let words = ["status", "--porcelain=v1", "--branch", "--ignore-submodules=dirty"];
        Ok(Box::new(Looking { git: Git::looking(&words), mode: context.mode }))
    }
}

struct Looking {
    git: Git,
    mode: AccessMode,
}

#[async_trait]
impl Prepared for Looking {
    fn needs(&self) -> Vec<Need> {
        looking_needs(&[])
    }

    fn summary(&self) -> String {
        "git status".to_owned()
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.git.line()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let ran = self.git.run(self.mode, context).await?;
        let clean = !ran.failed && ran.text.lines().count() < 2;
        let note = if clean { "\nnothing has changed" } else { "" };
        Ok(ToolOutput {
            text: format!("{}{note}", ran.text),
            failed: ran.failed,
            exit_code: status(ran.ending),
            ..ToolOutput::default()
        })
    }
}
