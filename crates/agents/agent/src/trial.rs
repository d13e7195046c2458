//! Trying one change after another until the check passes.
//!
//! A small model's first idea is often wrong, and once it has written it down it keeps to it. So each change that
//! did not help is taken back, the conversation goes back to where the question was asked, and the model draws
//! again from a wider field. It is not told what was tried: what a small model reads it repeats. A line that was
//! changed in vain too often is no candidate any more. With a check as the judge this finds what one long
//! conversation does not (sampling and verifying: Chen et al. 2021, "Evaluating Large Language Models Trained on
//! Code", section 2.1), and it is cheap: everything up to the question is in the engine's prefix cache.

use std::collections::BTreeSet;

use bottega_event::ToolReport;
use bottega_llm::ToolCall;
use serde_json::{Value, json};

/// Changes that are tried before the model is left to itself.
const TRIALS: usize = 40;
/// How often a line may be changed in vain before it is no longer a candidate.
const TRIALS_A_LINE: usize = 6;
/// Candidates at a time: the lines that have most in common with the failure.
const NEAREST: usize = 3;
/// Lines of a file that are candidates at most; a longer file is left to the model itself.
const CANDIDATES: usize = 400;

/// What was tried in the present work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trial {
    /// The messages that stood when the question was first asked.
    base: Option<usize>,
    /// The change on trial, and whether the file has it now.
    edit: Option<(Edit, bool)>,
    /// Set while the loop takes the change back.
    reverting: bool,
    /// What did not help.
    failed: Vec<Edit>,
    /// The lines that may be changed, as they stand in the file.
    lines: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Edit {
    path: String,
    old: String,
    new: String,
}

impl Trial {
    /// The model is asked, with so many messages before it.
    pub(crate) fn asked(&mut self, messages: usize) {
        self.base.get_or_insert(messages);
    }

    /// The loop made calls by itself.
    pub(crate) fn stepped(&mut self, calls: &[ToolCall], editor: Option<&str>) {
        self.reverting = calls.iter().any(|call| Some(call.name.as_str()) == editor);
    }

    /// A call of the editor ended.
    pub(crate) fn edited(&mut self, request: &ToolCall, report: &ToolReport) {
        if self.reverting {
            if let Some((_, applied)) = &mut self.edit {
                *applied = false;
            }
            return;
        }
        let Some(edit) = Edit::parse(&request.arguments) else { return };
        self.edit = Some((edit, !report.changes.is_empty()));
    }

    /// Whether the last call of the editor took a change back.
    pub(crate) const fn is_reverted(&self) -> bool {
        self.reverting
    }

    /// The call that takes the change on trial back, when the file has it.
    pub(crate) fn take_back(&self) -> Option<String> {
        let (edit, _) = self.edit.as_ref().filter(|(_, applied)| *applied)?;
        Some(json!({ "path": edit.path, "old_text": edit.new, "new_text": edit.old }).to_string())
    }

    /// Where to go back to, when a change was tried and is not in the file.
    pub(crate) fn go_back(&self) -> Option<(usize, String)> {
        let (edit, _) = self.edit.as_ref().filter(|(_, applied)| !applied)?;
        Some((self.base?, format!("`{}` became `{}`", edit.old.trim(), edit.new.trim())))
    }

    /// The file's text, as the reader showed it: numbered lines. Comments, blank lines and lone brackets are no
    /// candidates for a change. The lines that share most words with the failing check's output come first: what a
    /// test names is usually near what it finds wrong.
    pub(crate) fn shown(&mut self, text: &str, failure: &str) {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            let Some((number, code)) = line.split_once('|') else { continue };
            let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let code = code.trim();
            let comment =
                ["//", "#", "/*", "*", "--", "\"\"\""].iter().any(|mark| code.starts_with(mark));
            let speaks = code.chars().filter(|c| c.is_alphanumeric()).count() > 1;
            if numbered && speaks && !comment && !lines.iter().any(|known| known == code) {
                lines.push(code.to_owned());
            }
        }
        if lines.len() <= CANDIDATES {
            let told = words(failure);
            lines.sort_by_key(|line| std::cmp::Reverse(words(line).intersection(&told).count()));
            self.lines = lines;
        }
    }

    /// The lines that may still be changed.
    pub(crate) fn candidates(&self) -> Vec<&str> {
        let vain = |line: &str| self.failed.iter().filter(|edit| edit.old.trim() == line).count();
        let lines = self.lines.iter().map(String::as_str);
        lines.filter(|line| vain(line) < TRIALS_A_LINE).take(NEAREST).collect()
    }

    /// The conversation went back.
    pub(crate) fn rewound(&mut self) {
        if let Some((edit, _)) = self.edit.take() {
            self.failed.push(edit);
        }
        self.reverting = false;
    }

    /// The history was shortened: where to go back to is found anew.
    pub(crate) fn compacted(&mut self) {
        self.base = None;
        self.edit = None;
    }

    /// How many changes did not help.
    pub(crate) fn count(&self) -> usize {
        self.failed.len()
    }

    /// Whether another change may be tried in this way.
    pub(crate) fn goes_on(&self) -> bool {
        self.failed.len() < TRIALS
    }
}

/// The words of a text, in lower case.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2)
        .map(str::to_lowercase)
        .collect()
}

impl Edit {
    fn parse(arguments: &str) -> Option<Self> {
        let arguments: Value = serde_json::from_str(arguments).ok()?;
        let text = |name: &str| arguments.get(name)?.as_str().map(str::to_owned);
        Some(Self { path: text("path")?, old: text("old_text")?, new: text("new_text")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_lines_of_code_until_they_were_changed_in_vain() {
        let mut trial = Trial::default();
        let text = "src/a.rs: lines 1-6 of 6\n1|// sum\n2|fn total() {\n3|    goods - tax\n4|}\n5|    c + d1\n6|use x1;";
        trial.shown(text, "total: goods 5 and tax 2");
        assert_eq!(trial.candidates(), ["goods - tax", "fn total() {", "c + d1"]);
        for _ in 0..TRIALS_A_LINE {
            let (path, old, new) =
                ("src/a.rs".to_owned(), "goods - tax".to_owned(), "x".to_owned());
            trial.edit = Some((Edit { path, old, new }, false));
            trial.rewound();
        }
        assert_eq!(trial.candidates(), ["fn total() {", "c + d1", "use x1;"]);
    }
}
