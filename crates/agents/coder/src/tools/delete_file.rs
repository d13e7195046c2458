//! `delete_file`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, FileStep, Found, Prepared, Tool, ToolContext, ToolError, ToolOutput, WorkspaceError,
    describe, parse_arguments,
};
use bottega_types::Digest;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::target::Target;

/// Deletes a file. Read it first.
#[derive(Debug, Deserialize, JsonSchema)]
struct DeleteFileInput {
    /// Path of the file.
    path: String,
}

/// Deletes a file.
#[derive(Debug)]
pub(super) struct DeleteFile;

#[async_trait]
impl Tool for DeleteFile {
    fn name(&self) -> &'static str {
        "delete_file"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<DeleteFileInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let DeleteFileInput { path } = parse_arguments(arguments)?;
        Ok(Box::new(Deleting { target: Target::find(path, context)? }))
    }
}

struct Deleting {
    target: Target,
}

impl Deleting {
    /// The version that goes, and what a person is told of it.
    async fn plan(&self, context: &ToolContext) -> Result<(Digest, String), ToolError> {
        self.target.still(context)?;
        if self.target.is_link(context)? {
            return Err(ToolError::Refused(format!(
                "{} is a link to {}, and only files can be deleted with this; name the file itself, or take \
                 the link away with shell",
                self.target.asked,
                self.target.shown()
            )));
        }
        let path = self.target.shown();
        let found =
            context.workspace.read(&self.target.asked).await.map_err(|error| match error {
                WorkspaceError::IsFolder { path } => ToolError::Refused(format!(
                    "{path} is a folder; delete the files in it one by one, or use shell"
                )),
                other @ (WorkspaceError::NotFound { .. }
                | WorkspaceError::Unusable { .. }
                | WorkspaceError::Changed { .. }
                | WorkspaceError::Unencodable { .. }
                | WorkspaceError::Unguarded { .. }
                | WorkspaceError::BadPattern { .. }
                | WorkspaceError::Disk { .. }) => other.into(),
            })?;
        let (digest, size) = match found {
            Found::Text(content) => {
                (content.digest, format!("{} lines", content.text.lines().count()))
            }
            Found::Binary { size, digest } => (digest, format!("{size} bytes, binary")),
        };
        self.target.is_known(context, digest)?;
        Ok((digest, format!("{path} ({size})")))
    }
}

#[async_trait]
impl Prepared for Deleting {
    fn needs(&self) -> Vec<Need> {
        vec![self.target.writing()]
    }

    fn summary(&self) -> String {
        format!("delete {}", self.target.shown())
    }

    async fn details(&self, context: &ToolContext) -> String {
        match self.plan(context).await {
            Ok((_, what)) => format!("delete {what}"),
            Err(error) => error.to_string(),
        }
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let (expected, what) = self.plan(context).await?;
        let step = FileStep::Delete { path: self.target.asked.clone(), expected };
        let changes = context.workspace.change(&[step]).await?;
        Ok(ToolOutput { text: format!("deleted {what}"), changes, ..ToolOutput::default() })
    }
}
