//! The line editor of `bottega chat`.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use reedline::{
    EditCommand, Emacs, FileBackedHistory, KeyCode, KeyModifiers, Prompt, PromptEditMode,
    PromptHistorySearch, PromptHistorySearchStatus, Reedline, ReedlineEvent, Signal,
    ValidationResult, Validator, default_emacs_keybindings,
};

use super::Typed;

/// Stands behind the prompt.
pub(super) const INDICATOR: &str = "› ";
/// Stands before a further line of a message.
pub(super) const MORE: &str = "· ";
/// Messages that are kept.
const KEPT: usize = 1_000;

/// A line editor with history; Alt-Enter, or a backslash at the line's end, goes on in a new line.
pub(super) struct LineEditor(Reedline);

impl LineEditor {
    pub(super) fn open(history: Option<&Path>) -> io::Result<Self> {
        let mut keys = default_emacs_keybindings();
        keys.add_binding(
            KeyModifiers::ALT,
            KeyCode::Enter,
            ReedlineEvent::Edit(vec![EditCommand::InsertNewline]),
        );
        let editor = Reedline::create()
            .with_validator(Box::new(BackslashGoesOn))
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .use_bracketed_paste(true);
        let Some(file) = history else { return Ok(Self(editor)) };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let kept = FileBackedHistory::with_file(KEPT, file.to_owned()).map_err(io::Error::other)?;
        Ok(Self(editor.with_history(Box::new(kept))))
    }

    pub(super) fn read(&mut self, prompt: &str) -> io::Result<Typed> {
        let signal = self.0.read_line(&Words(prompt)).map_err(io::Error::other)?;
        Ok(match signal {
            Signal::Success(text) | Signal::HostCommand(text) => Typed::Text(joined(&text)),
            Signal::CtrlC | Signal::ExternalBreak(_) => Typed::Interrupt,
            Signal::CtrlD => Typed::End,
            other => Typed::Text(format!("{other:?}")),
        })
    }
}

/// A message without the backslashes that held its lines together.
pub(super) fn joined(text: &str) -> String {
    text.replace("\\\n", "\n")
}

/// Whether a message wants another line.
pub(super) fn goes_on(text: &str) -> bool {
    text.ends_with('\\')
}

struct BackslashGoesOn;

impl Validator for BackslashGoesOn {
    fn validate(&self, line: &str) -> ValidationResult {
        if goes_on(line) { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
}

struct Words<'t>(&'t str);

impl Prompt for Words<'_> {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        self.0.into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        INDICATOR.into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        MORE.into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let found = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing with ",
        };
        format!("({found}{}) ", search.term).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_goes_on_in_a_new_line() {
        assert!(matches!(BackslashGoesOn.validate("one\\"), ValidationResult::Incomplete));
        assert!(matches!(BackslashGoesOn.validate("one\\\ntwo"), ValidationResult::Complete));
        assert_eq!(joined("one\\\ntwo \\ three"), "one\ntwo \\ three");
    }
}
