//! A git command that only looks, prepared.

use async_trait::async_trait;
use bottega_policy::{AccessMode, Need};
use bottega_tool::{Prepared, ToolContext, ToolError, ToolOutput, excerpt};

use crate::command::status;
use crate::git::{Git, Ran, looking_needs};
use crate::target::Target;

/// A call of one of the tools that ask git.
pub(crate) struct GitLook {
    /// The tool's words, for a summary: `git log`.
    pub(crate) what: &'static str,
    /// What is run.
    pub(crate) git: Git,
    /// What it is about; everything when empty.
    pub(crate) paths: Vec<Target>,
    /// The access mode of the call.
    pub(crate) mode: AccessMode,
    /// What the model is told of what git said.
    pub(crate) tell: fn(&Ran, &[Target], &ToolContext) -> String,
    /// How to get what was left out of a long answer.
    pub(crate) hint: &'static str,
}

#[async_trait]
impl Prepared for GitLook {
    fn needs(&self) -> Vec<Need> {
        looking_needs(&self.paths)
    }

    fn summary(&self) -> String {
        let paths: Vec<&str> = self.paths.iter().map(Target::shown).collect();
        format!("{} {}", self.what, paths.join(" ")).trim_end().to_owned()
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.git.line()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let ran = self.git.run(self.mode, context).await?;
        let told = (self.tell)(&ran, &self.paths, context);
        let (text, full) = match excerpt(&told, context.output_limit, self.hint) {
            Some(text) => (text, Some(told)),
            None => (told, None),
        };
        Ok(ToolOutput {
            text,
            full,
            failed: ran.failed,
            exit_code: status(ran.ending),
            ..ToolOutput::default()
        })
    }
}
