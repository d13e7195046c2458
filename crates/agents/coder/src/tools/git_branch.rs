//! `git_branch`.

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{
    Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::command::status;
use crate::git::{Git, branch, looking_needs};

/// Lists branches, or goes to one.
#[derive(Debug, Deserialize, JsonSchema)]
struct GitBranchInput {
    /// The branch to go to.
    name: Option<String>,
    /// Create it here.
    create: Option<bool>,
}

/// Lists, makes and changes branches.
#[derive(Debug)]
pub(super) struct GitBranch;

#[async_trait]
impl Tool for GitBranch {
    fn name(&self) -> &'static str {
        "git_branch"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<GitBranchInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let GitBranchInput { name, create } = parse_arguments(arguments)?;
        let (git, needs, summary) = match name.filter(|name| !name.is_empty()) {
            None => {
                let git =
                    Git::looking(&["branch", "--list", "--no-color", "--sort=-committerdate"])
                        .with(["--format=%(HEAD) %(refname:short) %(objectname:short) %(subject)"]);
                (git, looking_needs(&[]), "list branches".to_owned())
            }
            Some(name) => {
                let name = branch(&name)?.to_owned();
                let git = Git::changing(&["switch", "--no-guess", "--no-recurse-submodules"]);
                let (git, verb) = if create == Some(true) {
                    (git.with(["--no-track", "--create"]), "create branch")
                } else {
                    (git, "go to branch")
                };
                let git = git.with([name.clone()]);
                let needs = git.changing_needs(context.mode, context)?;
                (git, needs, format!("{verb} {name}"))
            }
        };
        Ok(Box::new(Branching { git, needs, summary, mode: context.mode }))
    }
}

struct Branching {
    git: Git,
    needs: Vec<Need>,
    summary: String,
    mode: AccessMode,
}

#[async_trait]
impl Prepared for Branching {
    fn needs(&self) -> Vec<Need> {
        self.needs.clone()
    }

    fn summary(&self) -> String {
        self.summary.clone()
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.git.line()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let ran = self.git.run(self.mode, context).await?;
        let text = if ran.text.is_empty() { "no branches yet".to_owned() } else { ran.text };
        Ok(ToolOutput {
            text,
            failed: ran.failed,
            exit_code: status(ran.ending),
            ..ToolOutput::default()
        })
    }
}
