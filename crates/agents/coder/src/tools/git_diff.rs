//! `git_diff`.

use async_trait::async_trait;
use bottega_tool::{Effect, Prepared, Tool, ToolContext, ToolError, describe, parse_arguments};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::git::{Git, PLAIN_DIFF, Ran, revision, targets, without_protected};
use crate::git_look::GitLook;
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
        Ok(Box::new(GitLook {
            what: "git diff",
            git: git.about(&paths),
            paths,
            mode: context.mode,
            tell,
            hint: "give git_diff the paths to see",
        }))
    }
}

fn tell(ran: &Ran, paths: &[Target], context: &ToolContext) -> String {
    if ran.text.is_empty() {
        let there =
            |path: &&Target| context.workspace.resolve(&path.asked).is_ok_and(|at| at.there);
        let nowhere: Vec<&str> =
            paths.iter().filter(|path| !there(path)).map(Target::shown).collect();
        let note = match nowhere.as_slice() {
            [] => "new files are in it only when they are staged".to_owned(),
            nowhere => format!("there is no {}", nowhere.join(", ")),
        };
        return format!("no difference ({note})");
    }
    without_protected(&ran.text, paths, context)
}
