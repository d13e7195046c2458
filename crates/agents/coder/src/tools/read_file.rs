//! `read_file`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, Found, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::target::Target;

/// Longer lines are cut; a file of such lines is rarely read for them.
const LONGEST_LINE: usize = 2_000;

/// Reads a text file. Each line is shown as NUMBER|TEXT.
#[derive(Debug, Deserialize, JsonSchema)]
struct ReadFileInput {
    /// Path of the file.
    path: String,
    /// First line to read, from 1.
    start_line: Option<usize>,
    /// How many lines to read. As many as fit when absent.
    line_count: Option<usize>,
}

/// Reads a text file, or a part of it.
#[derive(Debug)]
pub(super) struct ReadFile;

#[async_trait]
impl Tool for ReadFile {
    fn name(&self) -> &'static str {
        "read_file"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<ReadFileInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let input: ReadFileInput = parse_arguments(arguments)?;
        let target = Target::find(input.path, context)?;
        let from = input.start_line.unwrap_or(1).max(1);
        Ok(Box::new(Reading { target, from, count: input.line_count.unwrap_or(usize::MAX) }))
    }
}

struct Reading {
    target: Target,
    from: usize,
    count: usize,
}

#[async_trait]
impl Prepared for Reading {
    fn needs(&self) -> Vec<Need> {
        vec![self.target.reading()]
    }

    fn summary(&self) -> String {
        format!("read {}", self.target.shown())
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.summary()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        self.target.still(context)?;
        let path = self.target.shown();
        match context.workspace.read(&self.target.asked).await? {
            Found::Binary { size, digest } => {
                self.target.saw(context, digest);
                Ok(ToolOutput::text(format!(
                    "{path} is a binary file of {size} bytes; it has no lines to show"
                )))
            }
            Found::Text(content) => {
                let text = page(path, &content.text, self.from, self.count, context.output_limit)?;
                self.target.saw(context, content.digest);
                Ok(ToolOutput::text(text))
            }
        }
    }
}

/// Lines `from` and on, numbered, at most `count` and in about `limit` bytes, with a head that says which
/// they are and a last line that says how to get those that follow.
fn page(
    path: &str,
    text: &str,
    from: usize,
    count: usize,
    limit: usize,
) -> Result<String, ToolError> {
    let total = text.lines().count();
    if total == 0 {
        return Ok(format!("{path} is empty"));
    }
    if from > total {
        return Err(ToolError::Refused(format!(
            "{path} has {total} lines; start_line {from} is behind its end"
        )));
    }
    let mut body = String::new();
    let mut last = from - 1;
    for (offset, line) in text.lines().skip(from - 1).take(count.max(1)).enumerate() {
        let shown = match line.get(..line.floor_char_boundary(LONGEST_LINE)) {
            Some(head) if head.len() < line.len() => {
                format!(
                    "{}|{head} [{} bytes of this line left out]\n",
                    from + offset,
                    line.len() - head.len()
                )
            }
            Some(_) | None => format!("{}|{line}\n", from + offset),
        };
        // Room for the head and the last line.
        if body.len() + shown.len() + path.len() + 120 > limit && offset > 0 {
            break;
        }
        body.push_str(&shown);
        last = from + offset;
    }
    let rest = if last < total {
        format!("[{} more lines: read_file with start_line {}]\n", total - last, last + 1)
    } else {
        String::new()
    };
    Ok(format!("{path}: lines {from}-{last} of {total}\n{body}{rest}"))
}
