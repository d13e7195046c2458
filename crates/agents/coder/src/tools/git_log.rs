//! `git_log`.

use async_trait::async_trait;
use bottega_tool::{Effect, Prepared, Tool, ToolContext, ToolError, describe, parse_arguments};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::git::{Git, Ran, revision, targets};
use crate::git_look::GitLook;
use crate::target::Target;

/// Commits shown when the call doesn't say.
const USUAL: usize = 20;
/// Commits shown at most.
const MOST: usize = 200;

/// Lists commits, the newest first.
#[derive(Debug, Deserialize, JsonSchema)]
struct GitLogInput {
    /// How many.
    count: Option<usize>,
    /// Only those that changed this file.
    path: Option<String>,
    /// Revision to begin at, or a range.
    commit: Option<String>,
}

/// Lists commits.
#[derive(Debug)]
pub(super) struct GitLog;

#[async_trait]
impl Tool for GitLog {
    fn name(&self) -> &'static str {
        "git_log"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<GitLogInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let GitLogInput { count, path, commit } = parse_arguments(arguments)?;
        let paths = targets(path.into_iter().collect(), context)?;
        let count = count.unwrap_or(USUAL).clamp(1, MOST);
        let mut git = Git::looking(&[
            "log",
            "--no-color",
            "--no-show-signature",
            "--date=short",
            "--no-patch",
        ])
        .with([format!("--max-count={count}"), "--format=%h %ad %an%d: %s".to_owned()]);
        if let Some(commit) = commit.filter(|commit| !commit.is_empty()) {
            git = git.with([revision(&commit)?]);
        }
        Ok(Box::new(GitLook {
            what: "git log",
            git: git.about(&paths),
            paths,
            mode: context.mode,
            tell,
            hint: "give git_log a smaller count, or the commit to go on from",
        }))
    }
}

fn tell(ran: &Ran, _: &[Target], _: &ToolContext) -> String {
    if ran.text.is_empty() { "no commits".to_owned() } else { ran.text.clone() }
}
