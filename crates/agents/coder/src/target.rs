//! The file or folder that a call is about.

use bottega_policy::{Need, Place};
use bottega_tool::{Lines, Resolved, ToolContext, ToolError, WorkspaceError};
use bottega_types::Digest;

/// A path that was asked for, and where it lay when the call was judged.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As the model wrote it.
    pub(crate) asked: String,
    resolved: Resolved,
}

impl Target {
    /// Finds where `asked` lies.
    pub(crate) fn find(asked: String, context: &ToolContext) -> Result<Self, ToolError> {
        let resolved = context.workspace.resolve(&asked)?;
        Ok(Self { asked, resolved })
    }

    /// Its path, for people and models.
    pub(crate) fn shown(&self) -> &str {
        &self.resolved.shown
    }

    /// Where it lies.
    pub(crate) fn place(&self) -> Place {
        self.resolved.place
    }

    pub(crate) fn reading(&self) -> Need {
        Need::Read { path: self.resolved.shown.clone(), place: self.resolved.place }
    }

    pub(crate) fn writing(&self) -> Need {
        Need::Write { path: self.resolved.shown.clone(), place: self.resolved.place }
    }

    /// Refuses when the path leads elsewhere than where it led when the call was judged.
    pub(crate) fn still(&self, context: &ToolContext) -> Result<(), ToolError> {
        if context.workspace.resolve(&self.asked)? == self.resolved {
            return Ok(());
        }
        Err(ToolError::Refused(format!(
            "`{}` leads elsewhere than a moment ago, so nothing was done; call the tool again",
            self.asked
        )))
    }

    /// Whether the path as it was asked for is a link, and not the file that it leads to.
    pub(crate) fn is_link(&self, context: &ToolContext) -> Result<bool, ToolError> {
        let asked = self.asked.trim_end_matches('/');
        let (folder, name) = asked.split_at(asked.rfind('/').map_or(0, |slash| slash + 1));
        if matches!(name, "" | "." | "..") {
            return Ok(false);
        }
        let folder = if folder.is_empty() { "." } else { folder };
        Ok(context.workspace.resolve(folder)?.real.join(name) != self.resolved.real)
    }

    /// Refuses unless the agent has seen the file as it is now, with this digest.
    pub(crate) fn is_known(&self, context: &ToolContext, now: Digest) -> Result<(), ToolError> {
        match self.seen(context) {
            Some(seen) if seen == now => Ok(()),
            Some(_) => Err(WorkspaceError::Changed { path: self.shown().to_owned() }.into()),
            None => Err(ToolError::Refused(format!(
                "you have not read {}; read it first, so that nothing is lost that you don't know",
                self.shown()
            ))),
        }
    }

    /// Refuses when the file is not as the agent saw it last. What it never saw is let through.
    pub(crate) fn is_not_stale(&self, context: &ToolContext, now: Digest) -> Result<(), ToolError> {
        if self.seen(context).is_some_and(|seen| seen != now) {
            return Err(WorkspaceError::Changed { path: self.shown().to_owned() }.into());
        }
        Ok(())
    }

    /// The version of it that the agent saw last.
    pub(crate) fn seen(&self, context: &ToolContext) -> Option<Digest> {
        context.versions.seen(&self.key())
    }

    /// The first line of that version that the agent was not shown.
    pub(crate) fn unseen_line(&self, context: &ToolContext) -> Option<usize> {
        context.versions.unseen_line(&self.key())
    }

    /// The agent has now seen all of this version.
    pub(crate) fn saw(&self, context: &ToolContext, digest: Digest) {
        context.versions.saw(&self.key(), digest);
    }

    /// The agent was shown these lines of this version.
    pub(crate) fn saw_lines(&self, context: &ToolContext, digest: Digest, lines: Lines) {
        context.versions.saw_lines(&self.key(), digest, lines);
    }

    /// The agent changed a part of the file.
    pub(crate) fn edited(&self, context: &ToolContext, digest: Digest) {
        context.versions.edited(&self.key(), digest);
    }

    /// Two names of one file have one key.
    pub(crate) fn key(&self) -> String {
        self.resolved.real.to_string_lossy().into_owned()
    }
}
