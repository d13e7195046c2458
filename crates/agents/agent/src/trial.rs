//! Trying one change after another until the check passes.
//!
//! A small model's first idea is often wrong, and once it has written it down it keeps to it. So each change that
//! did not help is taken back, the conversation goes back to where the question was asked, and the model is asked
//! again. It is not told what was tried: what a small model reads it repeats. At first it chooses the line and draws
//! from a wider and wider field; then it is asked about one place after another (see `place`), so that no two trials
//! are the same. With a check as the judge this finds what one long conversation does not (sampling and verifying:
//! Chen et al. 2021, "Evaluating Large Language Models Trained on Code", section 2.1), and it is cheap: everything up
//! to the question is in the engine's prefix cache.

use std::collections::BTreeSet;

use bottega_event::ToolReport;
use bottega_llm::ToolCall;
use serde_json::{Value, json};

use crate::place::{Place, departure, line, places};

/// Changes that are tried before the model is left to itself.
const TRIALS: usize = 60;
/// The first of them, in which the model chooses the line.
const FREE: usize = 3;
/// Lines among which it chooses: those that have most in common with the failure.
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
    /// The lines that may be changed, without the blanks around them; those nearest to the failure first.
    lines: Vec<String>,
    /// All lines of the file.
    file: Vec<String>,
    /// Set when a change could not be taken back: the file is not what it was.
    lost: bool,
}

/// What is asked: one of these lines, in a new wording that follows the pattern.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question<'t> {
    pub(crate) lines: Vec<&'t str>,
    pub(crate) pattern: String,
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
            self.lost |= report.changes.is_empty();
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
        let (new, old) = self.with_neighbours(edit);
        Some(json!({ "path": edit.path, "old_text": new, "new_text": old }).to_string())
    }

    /// What the file has now and what it had before, with as many lines around it as make it the only such place.
    fn with_neighbours(&self, edit: &Edit) -> (String, String) {
        let simple = (edit.new.clone(), edit.old.clone());
        let Some(at) = self.file.iter().position(|line| line.trim() == edit.old) else {
            return simple;
        };
        let mut now = self.file.clone();
        now[at] = now[at].replacen(&edit.old, &edit.new, 1);
        let whole = now.join("\n");
        if whole.matches(&edit.new).count() == 1 {
            return simple;
        }
        let around = (1..now.len()).map(|n| at.saturating_sub(n)..(at + n + 1).min(now.len()));
        let mut places = around.map(|range| (now[range.clone()].join("\n"), range));
        let alone = places.find(|(text, _)| whole.matches(text.as_str()).count() == 1);
        alone.map_or(simple, |(text, range)| (text, self.file[range].join("\n")))
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
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            self.file.push(code.to_owned());
            let code = code.trim();
            let comment =
                ["//", "#", "/*", "*", "--", "\"\"\""].iter().any(|mark| code.starts_with(mark));
            let speaks = code.chars().filter(|c| c.is_alphanumeric()).count() > 1;
            if speaks && !comment && !lines.iter().any(|known| known == code) {
                lines.push(code.to_owned());
            }
        }
        // The editor must know which place is meant.
        let whole = lines.clone();
        lines
            .retain(|line| whole.iter().filter(|other| other.contains(line.as_str())).count() == 1);
        if lines.len() <= CANDIDATES {
            let told = words(failure);
            lines.sort_by_key(|line| std::cmp::Reverse(words(line).intersection(&told).count()));
            self.lines = lines;
        }
    }

    /// What the next change may be. Nothing when no line is known, or every place of every line was tried.
    pub(crate) fn question(&self) -> Option<Question<'_>> {
        let lines = || self.lines.iter().map(String::as_str);
        if self.failed.len() < FREE {
            let nearest: Vec<&str> = lines().take(NEAREST).collect();
            return (!nearest.is_empty()).then_some(Question { lines: nearest, pattern: line() });
        }
        let mut places: Vec<(usize, &str, Place)> = lines()
            .enumerate()
            .flat_map(|(rank, line)| {
                places(line).into_iter().map(move |place| (rank + place.handicap(), line, place))
            })
            .collect();
        places.sort_by_key(|(cost, ..)| *cost);
        let (_, old, place) = places.into_iter().nth(self.failed.len() - FREE)?;
        Some(Question { lines: vec![old], pattern: departure(old, &place) })
    }

    /// How much wider than usual the field is from which the model draws, in steps.
    pub(crate) fn widening(&self) -> u32 {
        if self.failed.len() < FREE { u32::try_from(self.failed.len()).unwrap_or(0) } else { 0 }
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

    /// Whether another change may be tried in this way.
    pub(crate) fn goes_on(&self) -> bool {
        !self.lost
            && self.failed.len() < TRIALS
            && (self.lines.is_empty() || self.question().is_some())
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

    fn failed(trial: &mut Trial, old: &str) {
        let (path, old, new) = ("src/a.rs".to_owned(), old.to_owned(), "x".to_owned());
        trial.edit = Some((Edit { path, old, new }, false));
        trial.rewound();
    }

    #[test]
    fn the_model_chooses_first_then_each_place_is_asked_about() {
        let mut trial = Trial::default();
        let text = "src/a.rs: lines 1-6 of 6\n1|// sum\n2|fn total() {\n3|    goods - tax\n4|}\n5|    c + d1\n6|use x1;";
        trial.shown(text, "total: goods 5 and tax 2");
        for _ in 0..FREE {
            let question = trial.question().unwrap();
            assert_eq!(question.lines, ["goods - tax", "fn total() {", "c + d1"]);
            assert_eq!(question.pattern, line());
            failed(&mut trial, "goods - tax");
        }
        let mut asked = Vec::new();
        while trial.goes_on() {
            let question = trial.question().unwrap();
            assert_ne!(question.pattern, line());
            let line = question.lines[0].to_owned();
            failed(&mut trial, &line);
            asked.push(line);
        }
        assert_eq!(asked[..3], ["goods - tax", "c + d1", "goods - tax"]);
        assert_eq!(asked.len(), 10, "every place of every line: {asked:?}");
    }

    #[test]
    fn a_change_that_repeats_another_line_is_taken_back_with_its_neighbours() {
        let mut trial = Trial::default();
        trial.shown("1|fn f() {\n2|    a + b\n3|}\n4|fn g() {\n5|    a - b\n6|}", "");
        let edit =
            |old: &str, new: &str| Edit { path: "x".into(), old: old.into(), new: new.into() };
        trial.edit = Some((edit("a - b", "a * b"), true));
        let back: Value = serde_json::from_str(&trial.take_back().unwrap()).unwrap();
        assert_eq!(back["old_text"], "a * b");
        trial.edit = Some((edit("a - b", "a + b"), true));
        let back: Value = serde_json::from_str(&trial.take_back().unwrap()).unwrap();
        assert_eq!(back["old_text"], "fn g() {\n    a + b\n}");
        assert_eq!(back["new_text"], "fn g() {\n    a - b\n}");
    }

    #[test]
    fn a_line_that_stands_inside_another_is_no_candidate() {
        let mut trial = Trial::default();
        trial.shown("1|full\n2|let full = 2;\n3|half", "");
        assert_eq!(trial.question().unwrap().lines, ["let full = 2;", "half"]);
    }
}
