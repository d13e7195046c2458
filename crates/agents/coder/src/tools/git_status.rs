//! `git_status`.

use async_trait::async_trait;
use bottega_tool::{Effect, Prepared, Tool, ToolContext, ToolError, describe, parse_arguments};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::git::{Git, Ran};
use crate::git_look::GitLook;
use crate::target::Target;

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
        Ok(Box::new(GitLook {
            what: "git status",
            git: Git::looking(&words),
            paths: Vec::new(),
            mode: context.mode,
            tell,
            hint: "git_diff shows the changes of the paths that it is given",
        }))
    }
}

fn tell(ran: &Ran, _: &[Target], context: &ToolContext) -> String {
    let clean = !ran.failed && ran.text.lines().count() < 2;
    let note = if clean { "\nnothing has changed" } else { "" };
    // What lies in them has settings of its own, which git would follow.
    let modules = context.workspace.resolve(".gitmodules").is_ok_and(|at| at.there);
    let beside = if modules { "\n[changes inside of submodules are not looked for]" } else { "" };
    format!("{}{note}{beside}", ran.text)
}
