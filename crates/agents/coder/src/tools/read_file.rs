//! `read_file`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, Found, Lines, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe,
    parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::target::Target;

/// Longer lines are cut, with a word on how to get their rest; a file of such lines is rarely read for them.
const LONGEST_LINE: usize = 2_000;

/// Reads a text file. Each line is shown as NUMBER|TEXT.
#[derive(Debug, Deserialize, JsonSchema)]
struct ReadFileInput {
    /// Path of the file.
    path: String,
    /// First line, from 1.
    start_line: Option<usize>,
    /// How many; as fit when absent.
    line_count: Option<usize>,
    /// Where in that line, in bytes.
    start_byte: Option<usize>,
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
        let count = input.line_count.unwrap_or(usize::MAX).max(1);
        Ok(Box::new(Reading { target, from, count, byte: input.start_byte.unwrap_or(0) }))
    }
}

struct Reading {
    target: Target,
    from: usize,
    count: usize,
    /// Where in the first line to begin.
    byte: usize,
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
        let workspace = &context.workspace;
        let size = workspace.stat(&self.target.asked).await?.map_or(0, |about| about.size);
        if size > workspace.largest() {
            let (first, count) = (self.from, self.count);
            let page =
                workspace.read_page(&self.target.asked, first, count, context.output_limit).await?;
            let shown = self.page(page.lines.iter().map(String::as_str), page.total, context)?;
            return Ok(ToolOutput { verbatim: true, ..ToolOutput::text(shown.text) });
        }
        match workspace.read(&self.target.asked).await? {
            Found::Binary { size, digest } => {
                self.target.saw(context, digest);
                Ok(ToolOutput::text(format!(
                    "{path} is a binary file of {size} bytes; it has no lines to show"
                )))
            }
            Found::Text(content) => {
                let lines = content.text.lines().skip(self.from - 1).take(self.count);
                let shown = self.page(lines, content.text.lines().count(), context)?;
                self.target.saw_lines(context, content.digest, shown.whole);
                Ok(ToolOutput { verbatim: true, ..ToolOutput::text(shown.text) })
            }
        }
    }
}

/// What is shown of a file.
struct Shown {
    text: String,
    /// The lines of it that are shown to their ends.
    whole: Lines,
}

impl Reading {
    /// The lines, numbered, in about as many bytes as the output may have, with a head that says which they are and a
    /// last line that says how to get those that follow.
    fn page<'l>(
        &self,
        lines: impl Iterator<Item = &'l str>,
        total: usize,
        context: &ToolContext,
    ) -> Result<Shown, ToolError> {
        let (path, from) = (self.target.shown(), self.from);
        if total == 0 {
            let whole = Lines { first: 1, last: 0, total };
            return Ok(Shown { text: format!("{path} is empty"), whole });
        }
        if from > total {
            return Err(ToolError::Refused(format!(
                "{path} has {total} lines; start_line {from} is behind its end"
            )));
        }
        // Room for the head and the last line.
        let room = context.output_limit.saturating_sub(path.len() + 120);
        let mut body = String::new();
        let (mut last, mut whole) = (from - 1, from - 1);
        for (number, line) in (from..).zip(lines) {
            let start = if number == from { line.floor_char_boundary(self.byte) } else { 0 };
            // One who asks for the rest of a line gets as much of it as fits.
            let longest = if start > 0 { room.max(LONGEST_LINE) } else { LONGEST_LINE };
            let end = line.floor_char_boundary(start.saturating_add(longest));
            let mut shown = format!("{number}|{}", line.get(start..end).unwrap_or_default());
            if end < line.len() {
                let left = line.len() - end;
                shown.push_str(&format!(
                    " [{left} bytes of this line left out: read_file with start_line {number}, start_byte {end}]"
                ));
            }
            shown.push('\n');
            if body.len() + shown.len() > room && number > from {
                break;
            }
            body.push_str(&shown);
            if end == line.len() && whole == last {
                whole = number;
            }
            last = number;
        }
        let rest = if last < total {
            format!("[{} more lines: read_file with start_line {}]\n", total - last, last + 1)
        } else {
            String::new()
        };
        let text = format!("{path}: lines {from}-{last} of {total}\n{body}{rest}");
        Ok(Shown { text, whole: Lines { first: from, last: whole, total } })
    }
}
