//! `shell`.

use std::time::Duration;

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{
    Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::command::{Command, ending, status};
use crate::looking;

/// Seconds a command may take when it doesn't say.
const USUAL: u64 = 120;
/// Seconds a command may take at most.
const LONGEST: u64 = 1_800;

/// Runs a shell command in the workspace, without input; `.git` is read-only, the network closed but for `hosts`.
#[derive(Debug, Deserialize, JsonSchema)]
struct ShellInput {
    /// The command line.
    command: String,
    /// Seconds until it is killed. 120 when absent.
    timeout: Option<u64>,
    /// Hosts it must reach: `example.org`, `*.example.org`, `example.org:8443`.
    #[serde(default)]
    hosts: Vec<String>,
}

/// Runs a command line.
#[derive(Debug)]
pub(super) struct Shell;

#[async_trait]
impl Tool for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn only_looks(&self, arguments: &str) -> bool {
        serde_json::from_str::<ShellInput>(arguments).is_ok_and(|input| looking::is(&input.command))
    }

    fn schema(&self) -> Value {
        describe::<ShellInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let ShellInput { command, timeout, hosts } = parse_arguments(arguments)?;
        let timeout = Duration::from_secs(timeout.unwrap_or(USUAL).clamp(1, LONGEST));
        let command = Command::read(command, timeout, &hosts)?;
        let needs = command.needs(context.mode, context);
        let sources = command.sources(context.mode, context);
        Ok(Box::new(Running { command, mode: context.mode, needs, sources }))
    }
}

struct Running {
    command: Command,
    mode: AccessMode,
    needs: Vec<Need>,
    sources: Vec<Need>,
}

#[async_trait]
impl Prepared for Running {
    fn needs(&self) -> Vec<Need> {
        self.needs.clone()
    }

    fn sources(&self) -> Vec<Need> {
        self.sources.clone()
    }

    fn summary(&self) -> String {
        format!("run {}", self.command.line)
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.command.line.clone()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let outcome = self.command.run(self.mode, context).await?;
        let exit_code = status(outcome.ending);
        let head = ending(outcome.ending, self.command.timeout);
        let output = match outcome.output.trim_end() {
            "" => "(no output)",
            output => output,
        };
        Ok(ToolOutput {
            text: format!("{head}\n{output}"),
            failed: exit_code != Some(0),
            exit_code,
            ..ToolOutput::default()
        })
    }
}
