//! Patches as models write them: the envelope of `*** Begin Patch`, and unified diffs.
//!
//! Reading one gives its parts, one a file, with hunks of old and new lines; what the hunks mean in a file is
//! found by `replacement`. Numbers of lines in a diff are hints: models miscount.

mod envelope;
mod unified;

use crate::replacement::Hunk;

/// A patch, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    /// What it does, file by file.
    pub(crate) parts: Vec<Part>,
}

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The file, as the patch names it.
    pub(crate) path: String,
    /// What is done to it.
    pub(crate) deed: Deed,
    /// Whether the file may be run afterwards, where the patch says so.
    pub(crate) executable: Option<bool>,
}

/// What is done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It is created.
    Add {
        /// What it holds.
        text: String,
    },
    /// It is deleted.
    Delete {
        /// What it holds according to the patch, where that says so.
        text: Option<String>,
    },
    /// It is changed, moved, or both.
    Update {
        /// Its new path.
        to: Option<String>,
        /// The changes, in the order of the file.
        hunks: Vec<Hunk>,
    },
}

/// A text that is no patch. A model reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPatch {
    /// It has no known beginning.
    #[error(
        "it has neither `*** Begin Patch` nor `--- a/FILE`. Write it so:\n*** Begin Patch\n*** Update File: \
         FILE\n@@\n line before\n-old line\n+new line\n*** End Patch"
    )]
    Unknown,
    /// It breaks off.
    #[error(
        "it has no `*** End Patch`, so it may be cut off; send it whole, in smaller patches if need be"
    )]
    Cut,
    /// It changes nothing.
    #[error("it names no file to change")]
    Empty,
    /// A line makes no sense where it stands.
    #[error("line {line} of it, `{text}`, {why}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What it says, cut.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl NoPatch {
    /// The line at `index` (from 0) makes no sense.
    fn line(lines: &[&str], index: usize, why: &'static str) -> Self {
        let text: String = lines.get(index).unwrap_or(&"").chars().take(80).collect();
        Self::Line { line: index + 1, text, why }
    }
}

/// Reads a patch of either kind, with line ends of either kind, in a code fence or not.
pub(crate) fn read(text: &str) -> Result<Patch, NoPatch> {
    let folded = text.replace("\r\n", "\n");
    let lines: Vec<&str> = folded.split('\n').collect();
    let parts = if lines.iter().any(|line| line.trim_end() == envelope::BEGIN) {
        envelope::read(&lines)?
    } else if lines.iter().any(|line| line.starts_with("--- ") || line.starts_with("diff --git ")) {
        unified::read(&lines)?
    } else {
        return Err(NoPatch::Unknown);
    };
    if parts.is_empty() { Err(NoPatch::Empty) } else { Ok(Patch { parts }) }
}

/// The numbers of `@@ -OLD,COUNT +NEW,COUNT @@`: the old first line and both counts.
fn range(header: &str) -> Option<(usize, usize, usize)> {
    let inner = header.strip_prefix("@@ -")?;
    let (old, rest) = inner.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let numbers = |text: &str| -> Option<(usize, usize)> {
        let (first, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((first.trim().parse().ok()?, count.trim().parse().ok()?))
    };
    let ((first, before), (_, after)) = (numbers(old)?, numbers(new)?);
    Some((first, before, after))
}

#[cfg(test)]
mod tests;
