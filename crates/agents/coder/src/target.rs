//! The file or folder that a call is about.

use bottega_policy::{Need, Place};
use bottega_tool::{Resolved, ToolContext, ToolError};
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

    /// The version of it that the agent saw last.
    pub(crate) fn seen(&self, context: &ToolContext) -> Option<Digest> {
        context.versions.seen(&self.key())
    }

    /// The agent has now seen this version.
    pub(crate) fn saw(&self, context: &ToolContext, digest: Digest) {
        context.versions.saw(&self.key(), digest);
    }

    /// Two names of one file have one key.
    fn key(&self) -> String {
        self.resolved.real.to_string_lossy().into_owned()
    }
}
