//! `list_files`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, FileKind, Listing, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe,
    parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::target::Target;

/// Entries of one answer at most.
const MOST: usize = 300;

/// Lists the files of a folder and its subfolders, without ignored ones.
#[derive(Debug, Deserialize, JsonSchema)]
struct ListFilesInput {
    /// Folder. The workspace when absent.
    path: Option<String>,
    /// Only files like one of these: `**/*.rs`.
    #[serde(default)]
    globs: Vec<String>,
    /// How many folders deep to look.
    depth: Option<usize>,
}

/// Lists files.
#[derive(Debug)]
pub(super) struct ListFiles;

#[async_trait]
impl Tool for ListFiles {
    fn name(&self) -> &'static str {
        "list_files"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<ListFilesInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let ListFilesInput { path, globs, depth } = parse_arguments(arguments)?;
        let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| ".".to_owned());
        Ok(Box::new(Looking { target: Target::find(path, context)?, globs, depth }))
    }
}

struct Looking {
    target: Target,
    globs: Vec<String>,
    depth: Option<usize>,
}

#[async_trait]
impl Prepared for Looking {
    fn needs(&self) -> Vec<Need> {
        vec![self.target.reading()]
    }

    fn summary(&self) -> String {
        format!("list {}", self.target.asked)
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.summary()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        self.target.still(context)?;
        let listing =
            context.workspace.list(&self.target.asked, &self.globs, self.depth, MOST).await?;
        Ok(ToolOutput::text(shown(&self.target.asked, &listing, context.output_limit)))
    }
}

/// One path a line; a folder ends in `/`.
fn shown(asked: &str, listing: &Listing, limit: usize) -> String {
    let mut text = String::new();
    let mut more = listing.more;
    for file in &listing.files {
        if text.len() + file.path.len() + 100 > limit {
            more = true;
            break;
        }
        text.push_str(&file.path);
        text.push_str(match file.kind {
            FileKind::Folder => "/\n",
            FileKind::File | FileKind::Link | FileKind::Other => "\n",
        });
    }
    if text.is_empty() {
        return format!("no files in {asked} match");
    }
    if more {
        text.push_str("[there are more; narrow with path, globs or depth]\n");
    }
    text
}
