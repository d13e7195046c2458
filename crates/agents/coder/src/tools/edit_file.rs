//! `edit_file`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, FileChange, FileContent, Found, Prepared, Tool, ToolContext, ToolError, ToolOutput,
    describe, excerpt, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::diff::{diff, tally};
use crate::elision::elided;
use crate::replacement::{NotReplaced, Replaced, Which, replace};
use crate::target::Target;

/// Replaces a piece of a file. old_text must be copied exactly from the file and stand there once.
#[derive(Debug, Deserialize, JsonSchema)]
struct EditFileInput {
    /// Path of the file.
    path: String,
    /// The lines to replace, without line numbers.
    old_text: String,
    /// The lines that take their place.
    new_text: String,
    /// Replace every occurrence.
    replace_all: Option<bool>,
}

/// Replaces a piece of a file.
#[derive(Debug)]
pub(super) struct EditFile;

#[async_trait]
impl Tool for EditFile {
    fn name(&self) -> &'static str {
        "edit_file"
    }

    fn effect(&self) -> Effect {
        Effect::Changes
    }

    fn schema(&self) -> Value {
        describe::<EditFileInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let input: EditFileInput = parse_arguments(arguments)?;
        Ok(Box::new(Editing {
            target: Target::find(input.path, context)?,
            old: input.old_text,
            new: input.new_text,
            which: if input.replace_all == Some(true) { Which::All } else { Which::Only },
        }))
    }
}

struct Editing {
    target: Target,
    old: String,
    new: String,
    which: Which,
}

impl Editing {
    async fn plan(&self, context: &ToolContext) -> Result<(FileContent, Replaced), ToolError> {
        self.target.still(context)?;
        let path = self.target.shown();
        let before = match context.workspace.read(&self.target.asked).await? {
            Found::Text(content) => content,
            Found::Binary { .. } => {
                return Err(ToolError::Refused(format!(
                    "{path} is a binary file and can't be edited as text"
                )));
            }
        };
        self.target.is_not_stale(context, before.digest)?;
        if let Some(line) = elided(&self.new, &before.text) {
            return Err(ToolError::Refused(format!(
                "new_text has the line `{line}`, which stands for other lines; they would be lost. Write every \
                 line that shall be there"
            )));
        }
        match replace(&before.text, &self.old, &self.new, self.which) {
            Ok(replaced) => Ok((before, replaced)),
            Err(refusal) => Err(ToolError::Refused(in_file(path, &before.text, &refusal))),
        }
    }
}

/// The refusal, with the whole file where it is small and nothing in it is like the old text.
fn in_file(path: &str, text: &str, refusal: &NotReplaced) -> String {
    match refusal {
        NotReplaced::Absent if text.is_empty() => {
            format!("{path} is empty, so there is nothing to replace; write it with write_file")
        }
        NotReplaced::Absent if text.len() <= 1_500 => {
            let all = crate::numbered::number(text.lines(), 1);
            format!("{path}: {refusal}. It has these lines:\n{all}")
        }
        NotReplaced::Absent
        | NotReplaced::Blank
        | NotReplaced::Same
        | NotReplaced::Ambiguous { .. }
        | NotReplaced::Done { .. }
        | NotReplaced::Near { .. }
        | NotReplaced::Depth { .. } => format!("{path}: {refusal}"),
    }
}

#[async_trait]
impl Prepared for Editing {
    fn needs(&self) -> Vec<Need> {
        vec![self.target.writing()]
    }

    fn summary(&self) -> String {
        format!("edit {}", self.target.shown())
    }

    async fn details(&self, context: &ToolContext) -> String {
        match self.plan(context).await {
            Ok((before, replaced)) => diff(&before.text, &replaced.text),
            Err(error) => error.to_string(),
        }
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let (before, replaced) = self.plan(context).await?;
        let path = self.target.shown();
        let written = context
            .workspace
            .write(&self.target.asked, &replaced.text, Some(before.digest))
            .await?;
        self.target.edited(context, written.digest);
        let changes = diff(&before.text, &replaced.text);
        let note = replaced.note.map(|note| format!("note: {note}\n")).unwrap_or_default();
        let text = format!("edited {path} ({})\n{note}{changes}", tally(&changes));
        let text = excerpt(&text, context.output_limit.min(4_000), "all changes are in the file")
            .unwrap_or(text);
        let (parted, after) = (written.parted, Some(written.after));
        let change = FileChange::new(path.to_owned(), written.before, after, written.mode);
        let change = FileChange { parted, ..change };
        Ok(ToolOutput { text, changes: vec![change], ..ToolOutput::default() })
    }
}
