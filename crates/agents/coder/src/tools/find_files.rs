//! `find_files`.

use async_trait::async_trait;
use bottega_policy::Need;
use bottega_tool::{
    Effect, Listing, Prepared, Tool, ToolContext, ToolError, ToolOutput, describe, parse_arguments,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::target::Target;

/// Paths of one answer at most.
const MOST: usize = 200;

/// Finds files by name, without ignored ones.
#[derive(Debug, Deserialize, JsonSchema)]
struct FindFilesInput {
    /// Part of a name, or a glob as in `src/**/*.rs`.
    pattern: String,
    /// Folder to search.
    path: Option<String>,
}

/// Finds files by name.
#[derive(Debug)]
pub(super) struct FindFiles;

#[async_trait]
impl Tool for FindFiles {
    fn name(&self) -> &'static str {
        "find_files"
    }

    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }

    fn schema(&self) -> Value {
        describe::<FindFilesInput>()
    }

    async fn prepare(
        &self,
        arguments: &str,
        context: &ToolContext,
    ) -> Result<Box<dyn Prepared>, ToolError> {
        let FindFilesInput { pattern, path } = parse_arguments(arguments)?;
        if pattern.trim().is_empty() {
            return Err(ToolError::BadArguments { why: "pattern is empty".to_owned() });
        }
        let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| ".".to_owned());
        Ok(Box::new(Finding { target: Target::find(path, context)?, pattern }))
    }
}

struct Finding {
    target: Target,
    pattern: String,
}

#[async_trait]
impl Prepared for Finding {
    fn needs(&self) -> Vec<Need> {
        vec![self.target.reading()]
    }

    fn summary(&self) -> String {
        format!("find {} in {}", self.pattern, self.target.asked)
    }

    async fn details(&self, _: &ToolContext) -> String {
        self.summary()
    }

    async fn run(&self, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        self.target.still(context)?;
        let globs = globs(&self.pattern);
        let found = context.workspace.list(&self.target.asked, &globs, None, MOST).await?;
        Ok(ToolOutput::text(self.shown(&found, context.output_limit)))
    }
}

impl Finding {
    fn shown(&self, found: &Listing, limit: usize) -> String {
        if found.files.is_empty() {
            return format!(
                "no file in {} matches {}; ignored and hidden files are not searched",
                self.target.asked, self.pattern
            );
        }
        let mut text = String::new();
        let mut more = found.more;
        for file in &found.files {
            if text.len() + file.path.len() + 100 > limit {
                more = true;
                break;
            }
            text.push_str(&file.path);
            text.push('\n');
        }
        if more {
            text.push_str("[there are more; narrow the pattern or the path]\n");
        }
        text
    }
}

/// The globs that a pattern means: itself, or where it has none of a glob's signs, every path with it in it,
/// upper and lower case alike.
fn globs(pattern: &str) -> Vec<String> {
    if pattern.contains(['*', '?', '[', '{', '!']) {
        return vec![pattern.to_owned()];
    }
    let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let folder = folder.trim_start_matches("./").trim_matches('/');
    let before =
        if folder.is_empty() { "**/".to_owned() } else { format!("**/{}/", folded(folder)) };
    if name.is_empty() {
        return vec![format!("{before}**")];
    }
    vec![format!("{before}*{}*", folded(name))]
}

/// A glob for `text` in any case.
fn folded(text: &str) -> String {
    let mut glob = String::new();
    for character in text.chars() {
        let (lower, upper) = (character.to_ascii_lowercase(), character.to_ascii_uppercase());
        if lower == upper {
            glob.push(character);
        } else {
            glob.extend(['[', lower, upper, ']']);
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_is_looked_for_everywhere() {
        assert_eq!(globs("ab_1.rs"), ["**/*[aA][bB]_1.[rR][sS]*"]);
        assert_eq!(globs("src/a"), ["**/[sS][rR][cC]/*[aA]*"]);
        assert_eq!(globs("./docs/"), ["**/[dD][oO][cC][sS]/**"]);
        assert_eq!(globs("src/**/*.rs"), ["src/**/*.rs"]);
    }
}
