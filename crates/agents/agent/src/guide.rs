//! The steps that an agent takes by itself to keep a small model on its path.
//!
//! A small model works well on what stands before it and badly at finding it. So the loop makes the obvious
//! calls without asking: the check at the beginning and after each change, and a look at the file that the
//! failing check is about. To the model they look like calls of its own.

use bottega_llm::ToolChoice;
use bottega_policy::AccessMode;
use serde_json::{Value, json};

use crate::definition::FINISH;
use crate::request::small;
use crate::{Definition, State};

/// Characters of a small model's last word on a mended check.
const LONGEST_WORD: usize = 400;

/// A call that the loop makes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) tool: String,
    pub(crate) arguments: String,
    /// The file that it takes for the place to look at.
    pub(crate) about: Option<String>,
}

/// The call that is obviously next. Nothing for a large model, nor where a person would be asked for it.
pub(crate) fn own_step(state: &State, definition: &Definition) -> Option<Step> {
    let started = state.started.as_ref()?;
    let work = state.work.as_ref()?;
    let check = definition.check.as_ref()?;
    let runs = matches!(started.mode, AccessMode::Auto | AccessMode::Full);
    if !small(state) || !runs {
        return None;
    }
    let fresh = work.turns == 0 && work.tools_called == 0;
    if fresh || work.check_due {
        return Some(Step { tool: check.to_string(), arguments: "{}".to_owned(), about: None });
    }
    if leads(state)
        && work.check_failed
        && let (Some(arguments), Some(editor)) = (work.trial.take_back(), &definition.editor)
    {
        return Some(Step { tool: editor.to_string(), arguments, about: None });
    }
    let just_opened = work.turns == 0 && work.tools_called == 1 && work.mending;
    if !just_opened {
        return None;
    }
    let reader = definition.reader.as_ref()?;
    let map = &state.survey.as_ref()?.map;
    let path = suspect(map, state.last_check.as_deref()?)?;
    let arguments = json!({ "path": path }).to_string();
    Some(Step { tool: reader.to_string(), arguments, about: Some(path.to_owned()) })
}

/// Whether the loop leads a small model from change to change: the task is to make a failing check pass, the file
/// is known, and not too much was tried.
pub(crate) fn leads(state: &State) -> bool {
    let led =
        |work: &crate::state::Work| work.mending && work.suspect.is_some() && work.trial.goes_on();
    small(state) && state.work.as_ref().is_some_and(led)
}

/// Where the conversation goes back to and what is said there, when a change did not help.
pub(crate) fn go_back(state: &State) -> Option<(usize, String)> {
    let work = state.work.as_ref()?;
    if leads(state) && work.check_failed { work.trial.go_back() } else { None }
}

/// What the model is told right before its first answer.
pub(crate) fn word(state: &State, definition: &Definition) -> Option<String> {
    let work = state.work.as_ref()?;
    let (suspect, editor) = (work.suspect.as_ref()?, definition.editor.as_ref()?);
    let first = work.turns == 0 && work.check_failed && leads(state);
    first.then(|| {
        format!(
            "The test is right and {suspect} is wrong. Correct the one wrong line of {suspect} with {editor}: \
             old_text is that line as it stands, new_text is the line as it should be. Usually one operator, \
             constant or name in it is wrong."
        )
    })
}

/// Which tool a small model may call. While it mends a failing check in a file that it sees, that is the editor;
/// when the check passes again, that is `finish`.
pub(crate) fn tool_choice(state: &State, definition: &Definition) -> ToolChoice {
    let (Some(work), Some(editor)) = (&state.work, &definition.editor) else {
        return ToolChoice::Required;
    };
    if !work.mending {
        return ToolChoice::Required;
    }
    if !work.check_failed && !work.unchecked {
        return ToolChoice::Named(FINISH.to_owned());
    }
    if leads(state) {
        return ToolChoice::Named(editor.to_string());
    }
    ToolChoice::Required
}

/// What the arguments of the next call must follow, beside the tool's own schema.
///
/// While the loop leads, the editor's: the file that it shows, one of its lines, and another line in its place. A
/// small model that may not invent the line it changes can't miss it. When all that is left is to finish, the answer
/// is short: a small model that may go on repeats itself until it is cut off.
pub(crate) fn narrowed(state: &State, definition: &Definition) -> Option<Value> {
    let work = state.work.as_ref()?;
    if leads(state) && work.check_failed {
        let path = work.suspect.as_ref()?;
        let question = work.trial.question()?;
        return Some(json!({
            "type": "object",
            "properties": {
                "path": { "const": path },
                "old_text": { "enum": question.lines },
                "new_text": { "type": "string", "pattern": question.pattern }
            },
            "required": ["path", "old_text", "new_text"],
            "additionalProperties": false
        }));
    }
    let finishes = tool_choice(state, definition) == ToolChoice::Named(FINISH.to_owned());
    (finishes && work.schema.is_none()).then(|| {
        json!({
            "type": "object",
            "properties": {
                "answer": { "type": "string", "minLength": 1, "maxLength": LONGEST_WORD }
            },
            "required": ["answer"],
            "additionalProperties": false
        })
    })
}

/// The file of a map (`path: name, name…`) that defines most of what a failing check speaks of. Tests are
/// not suspects.
fn suspect<'m>(map: &'m str, failure: &str) -> Option<&'m str> {
    let words: std::collections::BTreeSet<&str> = failure
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.len() > 1)
        .collect();
    let scored = map.lines().filter_map(|line| {
        let (path, names) = line.split_once(": ")?;
        let is_test = path.split(['/', '.', '_']).any(|part| part == "test" || part == "tests");
        let score = names.split(", ").filter(|name| words.contains(name)).count();
        (!is_test && score > 0).then_some((score, path))
    });
    // Of equals the first in the map: a stable choice.
    scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_the_failure_speaks_of_is_the_suspect() {
        let map = "src/invoice.rs: Invoice, new, total\nsrc/line.rs: Line, new, total, DISCOUNT_FROM\n\
                   src/money.rs: format_cents\ntests/line.rs: Line, new, total, ten_pieces";
        let failure = "ten_pieces: assert_eq!(Line::new(\"pencil\", 10, 100).total(), 950)";
        assert_eq!(suspect(map, failure), Some("src/line.rs"));
        assert_eq!(suspect(map, "error: something else"), None);
        assert_eq!(suspect("README.md\nCargo.toml", failure), None);
    }
}
