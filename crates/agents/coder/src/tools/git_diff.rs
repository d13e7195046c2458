//! `git_diff`.

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{
    Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, excerpt, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::command::status;
use crate::git::{Git, PLAIN_DIFF, looking_needs, revision, targets, without_protected};
use crate::target::Target;

/// Shows what changed in tracked files.
#[derive(Debug, Deserialize, JsonSchema)]
struct GitDiffInput {
    /// Files or folders.
    #[serde(default)]
    paths: Vec<String>,
    /// What is staged, not what isn't.
    staged: Option<bool>,
    /// Revision to compare with, or a range; `a1b2c3^!` is one commit.
    commit: Option<String>,
}

/// Shows differences.
#[derive(Debug)]
pub(super) struct GitDiff;

#[async_trait]
impl Tool for GitDiff {
    fn name(&self) -> &'static str {
        "git_diff"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<GitDiffInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let GitDiffInput { paths, staged, commit } = parse_arguments(arguments)?;
        let paths = targets(paths, context)?;
        let mut git = Git::looking(&["diff", "--no-color", "--no-renames"])
            .with(PLAIN_DIFF.iter().copied())
            .with(["--src-prefix=a/", "--dst-prefix=b/"]);
        if staged == Some(true) {
            git = git.with(["--cached"]);
        }
        if let Some(commit) = commit.filter(|commit| !commit.is_empty()) {
            git = git.with([revision(&commit)?]);
        }
        Ok(Box::new(Looking { git: git.about(&paths), paths, mode: context.mode }))
    }
}

struct Looking {
    git: Git,
    paths: Vec<Target>,
    mode: AccessMode,
}

#[async_trait]
impl Prepared for Looking {
    fn needs(&self) -> Vec<Need> {
        looking_needs(&self.paths)
    }

    fn summary(&self) -> String {
        let paths: Vec<&str> = self.paths.iter().map(Target::shown).collect();
        format!("git diff {}", paths.join(" ")).trim_end().to_owned()
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.git.line()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let ran = self.git.run(self.mode, context).await?;
        let text = if ran.text.is_empty() {
            "no difference (new files are in it only when they are staged)".to_owned()
        } else {
            without_protected(&ran.text, &self.paths, context)
        };
        let hint = "give git_diff the paths to see";
        Ok(ToolOutput {
            full: Some(text.clone()),
            text: excerpt(&text, context.output_limit, hint).unwrap_or(text),
            failed: ran.failed,
            exit_code: status(ran.ending),
            ..ToolOutput::default()
        })
    }
}
