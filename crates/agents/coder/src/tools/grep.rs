//! `grep`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, FileKind, Found, Matched, Prepared, Query, Tool, ToolContext, ToolError, ToolOutput,
    describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::target::Target;

/// Matching lines of one answer at most.
const PAGE: usize = 100;
/// Lines of context at most, before and after.
const MOST_CONTEXT: usize = 10;

/// Finds lines by a regular expression, shown as NUMBER|TEXT under their file's path.
#[derive(Debug, Deserialize, JsonSchema)]
struct GrepInput {
    /// Regular expression (Rust syntax), matched line by line.
    pattern: String,
    /// Folder or file to search.
    path: Option<String>,
    /// Only files like `**/*.rs`.
    #[serde(default)]
    globs: Vec<String>,
    /// Upper and lower case are equal.
    ignore_case: Option<bool>,
    /// Lines to show around each match.
    context: Option<usize>,
    /// Matches to pass over.
    skip: Option<usize>,
}

/// Searches file contents.
#[derive(Debug)]
pub(super) struct Grep;

#[async_trait]
impl Tool for Grep {
    fn name(&self) -> &'static str {
        "grep"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<GrepInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let input: GrepInput = parse_arguments(arguments)?;
        let within = input.path.filter(|path| !path.is_empty());
        let target = Target::find(within.clone().unwrap_or_else(|| ".".to_owned()), context)?;
        let query = Query {
            pattern: input.pattern,
            case_sensitive: input.ignore_case != Some(true),
            globs: input.globs,
            within,
            skip: input.skip.unwrap_or(0),
            limit: PAGE,
        };
        Ok(Box::new(Searching {
            target,
            query,
            context: input.context.unwrap_or(0).min(MOST_CONTEXT),
        }))
    }
}

struct Searching {
    target: Target,
    query: Query,
    context: usize,
}

#[async_trait]
impl Prepared for Searching {
    fn needs(&self) -> Vec<Need> {
        vec![self.target.reading()]
    }

    fn summary(&self) -> String {
        format!("grep {} in {}", self.query.pattern, self.target.asked)
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.summary()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        self.target.still(context)?;
        let matches = context.workspace.search(&self.query).await?;
        if matches.lines.is_empty() {
            let what = if self.query.skip > 0 { "no more lines match" } else { "no line matches" };
            let mut told = format!("{what} `{}` in {}", self.query.pattern, self.target.asked);
            if self.is_binary(context).await {
                told.push_str(": it is a binary file, and those are not searched");
            }
            let kept = left_out(matches.withheld).map_or(String::new(), |kept| format!("\n{kept}"));
            return Ok(ToolOutput::text(told + &kept));
        }
        let mut text = String::new();
        let mut told = 0;
        let mut withheld = false;
        for file in matches.lines.chunk_by(|a, b| a.path == b.path) {
            // What was allowed is to read the searched folder, not the protected places in it.
            let place = context.workspace.resolve(&file[0].path)?.place;
            if place != self.target.place() {
                withheld = true;
                told += file.len();
                continue;
            }
            let section = self.section(file, context).await?;
            // Room for the last line. The first file is shown in any case; the host bounds it.
            if text.len() + section.len() + 200 > context.output_limit && !text.is_empty() {
                break;
            }
            text.push_str(&section);
            told += file.len();
        }
        if withheld {
            text.push_str("[matches in protected files are not shown; read_file asks for them]\n");
        }
        if let Some(kept) = left_out(matches.withheld) {
            text.push_str(&kept);
        }
        if matches.more || told < matches.lines.len() {
            let next = self.query.skip + told;
            text.push_str(&format!(
                "[more matches: grep again with skip {next}, or narrow the search]\n"
            ));
        }
        Ok(ToolOutput::text(text))
    }
}

impl Searching {
    /// Whether what was to be searched is a single file that holds no text.
    async fn is_binary(&self, context: &ToolContext) -> bool {
        let about = context.workspace.stat(&self.target.asked).await;
        let small = matches!(about, Ok(Some(about)) if about.kind == FileKind::File
            && about.size <= context.workspace.largest());
        small
            && matches!(context.workspace.read(&self.target.asked).await, Ok(Found::Binary { .. }))
    }

    /// The matching lines of one file, with their context.
    async fn section(&self, found: &[Matched], context: &ToolContext) -> Result<String, ToolError> {
        let path = found.first().map_or("", |line| line.path.as_str());
        let plain = || -> String {
            let lines: String =
                found.iter().map(|line| format!("{}|{}\n", line.line, line.text)).collect();
            format!("{path}\n{lines}")
        };
        if self.context == 0 {
            return Ok(plain());
        }
        match context.workspace.read(path).await? {
            Found::Text(content) => {
                let numbers: Vec<usize> =
                    found.iter().filter_map(|line| usize::try_from(line.line).ok()).collect();
                Ok(format!("{path}\n{}", surroundings(&content.text, &numbers, self.context)))
            }
            Found::Binary { .. } => Ok(plain()),
        }
    }
}

/// What is said of files that rules keep from being read.
fn left_out(files: usize) -> Option<String> {
    (files > 0).then(|| {
        format!("[{files} files were not searched: rules of the settings hold back that they are read]\n")
    })
}

/// The lines `numbers` (from 1) of `text` and `around` lines on both sides, with `--` where lines are missing.
fn surroundings(text: &str, numbers: &[usize], around: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let wanted: BTreeSet<usize> = numbers
        .iter()
        .flat_map(|number| {
            number.saturating_sub(around).max(1)..=(number + around).min(lines.len())
        })
        .collect();
    let mut shown = String::new();
    let mut before = None;
    for number in wanted {
        if before.is_some_and(|before| before + 1 != number) {
            shown.push_str("--\n");
        }
        shown.push_str(&format!("{number}|{}\n", lines[number - 1]));
        before = Some(number);
    }
    shown
}
