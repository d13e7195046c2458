//! `write_file`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, FileChange, FileContent, Found, Prepared, Tool, ToolContext, ToolError, ToolOutput,
    WorkspaceError, describe, excerpt, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::diff::{diff, tally};
use crate::elision::elided;
use crate::numbered;
use crate::target::Target;

/// Creates a file, or replaces it whole once you have read it. To change a part use edit_file.
#[derive(Debug, Deserialize, JsonSchema)]
struct WriteFileInput {
    /// Path of the file.
    path: String,
    /// The whole content.
    content: String,
}

/// Creates a file or replaces it whole.
#[derive(Debug)]
pub(super) struct WriteFile;

#[async_trait]
impl Tool for WriteFile {
    fn name(&self) -> &'static str {
        "write_file"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<WriteFileInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let WriteFileInput { path, content } = parse_arguments(arguments)?;
        Ok(Box::new(Writing { target: Target::find(path, context)?, content }))
    }
}

struct Writing {
    target: Target,
    content: String,
}

/// The file as it is and as it will be.
struct Planned {
    before: Option<FileContent>,
    after: String,
}

impl Writing {
    async fn plan(&self, context: &ToolContext) -> Result<Planned, ToolError> {
        self.target.still(context)?;
        let path = self.target.shown();
        let before = match context.workspace.read(&self.target.asked).await {
            Ok(Found::Text(content)) => Some(content),
            Ok(Found::Binary { .. }) => {
                return Err(ToolError::Refused(format!(
                    "{path} is a binary file; write_file writes text only. Choose another path"
                )));
            }
            Err(WorkspaceError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(before) = &before {
            match self.target.seen(context) {
                Some(seen) if seen == before.digest => {
                    if let Some(line) = self.target.unseen_line(context) {
                        return Err(ToolError::Refused(format!(
                            "you have not read line {line} of {path}, and what you have not read would be lost; \
                             read the rest first, or change a part with edit_file"
                        )));
                    }
                }
                Some(_) => return Err(WorkspaceError::Changed { path: path.to_owned() }.into()),
                None => {
                    return Err(ToolError::Refused(format!(
                        "{path} exists and you have not read it; read it first, then change it with edit_file \
                         or write it whole"
                    )));
                }
            }
        }
        let present = before.as_ref().map_or("", |content| content.text.as_str());
        if let Some(line) = elided(&self.content, present) {
            return Err(ToolError::Refused(format!(
                "content has the line `{line}`, which stands for other lines; they would be lost. Write the \
                 whole content, or change a part with edit_file"
            )));
        }
        Ok(Planned { after: in_the_style_of(present, &self.content), before })
    }
}

/// `content` without copied line numbers, with the line ends and the final line end of `present`.
fn in_the_style_of(present: &str, content: &str) -> String {
    let plain = numbered::strip(content)
        .filter(|stripped| stripped.first == 1 && stripped.last > 2)
        .map_or_else(|| content.to_owned(), |stripped| stripped.text);
    let (wide, all) = (present.matches("\r\n").count(), present.matches('\n').count());
    let mut after =
        if wide * 2 > all && !plain.contains("\r\n") { plain.replace('\n', "\r\n") } else { plain };
    if present.ends_with('\n') && !after.is_empty() && !after.ends_with('\n') {
        after.push_str(if wide * 2 > all { "\r\n" } else { "\n" });
    }
    after
}

#[async_trait]
impl Prepared for Writing {
    fn needs(&self) -> Vec<Need> {
        vec![self.target.writing()]
    }

    fn summary(&self) -> String {
        format!("write {}", self.target.shown())
    }

    async fn details(&self, context: &ToolContext) -> String {
        match self.plan(context).await {
            Ok(Planned { before: Some(before), after }) => diff(&before.text, &after),
            Ok(Planned { before: None, after }) => after,
            Err(error) => error.to_string(),
        }
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let Planned { before, after } = self.plan(context).await?;
        let path = self.target.shown();
        if before.as_ref().is_some_and(|before| before.text == after) {
            return Ok(ToolOutput::text(format!("{path} has exactly this content already")));
        }
        let expected = before.as_ref().map(|content| content.digest);
        let written = context.workspace.write(&self.target.asked, &after, expected).await?;
        self.target.saw(context, written.digest);
        let text = match &before {
            Some(before) => {
                let changes = diff(&before.text, &after);
                let head = format!("wrote {path} ({})\n{changes}", tally(&changes));
                excerpt(&head, context.output_limit.min(4_000), "the file is written whole")
                    .unwrap_or(head)
            }
            None => format!("created {path} ({} lines)", after.lines().count()),
        };
        let (parted, after) = (written.parted, Some(written.after));
        let change = FileChange::new(path.to_owned(), written.before, after, written.mode);
        let change = FileChange { parted, ..change };
        Ok(ToolOutput { text, changes: vec![change], ..ToolOutput::default() })
    }
}
