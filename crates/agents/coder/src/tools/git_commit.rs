//! `git_commit`.

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{
    Effect, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::command::status;
use crate::git::{Git, USER_SETTINGS, folder, identity, targets};
use crate::target::Target;

/// Commits. Only when the user asked for it.
#[derive(Debug, Deserialize, JsonSchema)]
struct GitCommitInput {
    /// The commit message.
    message: String,
    /// Files to commit, new ones too. What is staged when absent.
    #[serde(default)]
    paths: Vec<String>,
}

/// Makes a commit.
#[derive(Debug)]
pub(super) struct GitCommit;

#[async_trait]
impl Tool for GitCommit {
    fn name(&self) -> &'static str {
        "git_commit"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<GitCommitInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let GitCommitInput { message, paths } = parse_arguments(arguments)?;
        if message.trim().is_empty() || message.contains('\0') {
            return Err(ToolError::BadArguments { why: "message is empty or no text".to_owned() });
        }
        let paths = targets(paths, context)?;
        let mut git = Git::changing(&["commit", "--no-verify", "--no-gpg-sign", "--no-edit"])
            .with([format!("--message={message}")]);
        let mut needs = Vec::new();
        let mut add = None;
        if !paths.is_empty() {
            git = git.with(["--only"]).about(&paths);
            needs.extend(paths.iter().map(Target::reading));
            let adding = Git::changing(&["add", "--all"]).about(&paths);
            needs.push(adding.execution(context.mode));
            add = Some(adding);
        }
        let caged = context.mode != AccessMode::Full;
        if caged && context.workspace.stat(USER_SETTINGS).await?.is_some() {
            needs.push(Target::find(USER_SETTINGS.to_owned(), context)?.reading());
        }
        // Last what weighs most: of equals a person is told the last.
        needs.extend(git.changing_needs(context.mode, context)?);
        Ok(Box::new(Committing { add, git, message, needs, mode: context.mode }))
    }
}

struct Committing {
    add: Option<Git>,
    git: Git,
    message: String,
    needs: Vec<Need>,
    mode: AccessMode,
}

#[async_trait]
impl Prepared for Committing {
    fn needs(&self) -> Vec<Need> {
        self.needs.clone()
    }

    fn summary(&self) -> String {
        format!("commit {}", self.message.lines().next().unwrap_or_default())
    }

    async fn details(&self, _: &ToolContext) -> String {
        let lines: Vec<String> = self.add.iter().chain([&self.git]).map(Git::line).collect();
        lines.join("\n")
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let identity =
            if self.mode == AccessMode::Full { Vec::new() } else { identity(context).await };
        if let Some(add) = &self.add {
            let added = add.run(self.mode, context).await?;
            if added.failed {
                return Err(ToolError::Refused(format!("nothing was committed: {}", added.text)));
            }
        }
        let ran = self.git.clone().set(identity).run(self.mode, context).await?;
        let unknown = ran.failed
            && ["tell me who you are", "empty ident", "unable to auto-detect email"]
                .iter()
                .any(|words| ran.text.contains(words));
        if unknown {
            return Err(ToolError::Refused(
                "nothing was committed: git doesn't know who commits. The user can say it with \
                 `git config user.name NAME` and `git config user.email ADDRESS`"
                    .to_owned(),
            ));
        }
        let nothing =
            ["nothing to commit", "nothing added to commit", "no changes added to commit"];
        if ran.failed && nothing.iter().any(|words| ran.text.contains(words)) {
            let why = match &self.add {
                Some(_) => "nothing has changed in these paths".to_owned(),
                None => "nothing is staged; name the files to commit in paths".to_owned(),
            };
            return Err(ToolError::Refused(format!("nothing was committed: {why}")));
        }
        let mut text = ran.text;
        if !ran.failed {
            text.push_str(&unheard(context));
        }
        Ok(ToolOutput {
            text,
            failed: ran.failed,
            exit_code: status(ran.ending),
            ..ToolOutput::default()
        })
    }
}

/// Hooks that a commit would have run.
const HOOKS: &[&str] = &["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"];

/// What is said of the repository's hooks, which are programs that nobody allowed.
fn unheard(context: &ToolContext) -> String {
    let folder = folder(context);
    let is_there = |hook: &&&str| {
        context.workspace.resolve(&format!("{folder}/hooks/{hook}")).is_ok_and(|at| at.there)
    };
    let hooks: Vec<&str> = HOOKS.iter().filter(is_there).copied().collect();
    match hooks.as_slice() {
        [] => String::new(),
        hooks => format!("\n[the repository's hooks did not run: {}]", hooks.join(", ")),
    }
}
