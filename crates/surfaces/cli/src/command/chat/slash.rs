//! What can be typed in a chat.

use bottega_api::{ApiError, codes};
use bottega_policy::AccessMode;

/// What a message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    /// It is for the agent.
    Say(String),
    Help,
    Model(Option<String>),
    Mode(Option<AccessMode>),
    /// Take back so many changes.
    Undo(usize),
    Cost,
    Compact,
    Quit,
}

/// The commands, with what each takes and does.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("help", "", "this list"),
    ("model", "[MODEL]", "ask this model from the next task on"),
    ("mode", "[MODE]", "read-only, ask, auto or full, from the next task on"),
    ("undo", "[N]", "take back the last change, or the last N"),
    ("cost", "", "what the session has cost"),
    ("compact", "", "shorten the history now; the journal keeps it whole"),
    ("quit", "", "end; the session can be resumed"),
];

/// Reads a message; nothing when it is blank. `//` begins a message that begins with a slash.
pub(super) fn read(text: &str) -> Result<Option<Slash>, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let Some(command) = text.strip_prefix('/') else {
        return Ok(Some(Slash::Say(text.to_owned())));
    };
    if command.starts_with('/') {
        return Ok(Some(Slash::Say(command.to_owned())));
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = Some(rest.trim()).filter(|rest| !rest.is_empty());
    let refuse = |why: String| ApiError::new(codes::USAGE, why).step("type /help");
    Ok(Some(match name {
        "help" | "?" => Slash::Help,
        "model" => Slash::Model(rest.map(str::to_owned)),
        "mode" => {
            let mode = rest.map(str::parse).transpose();
            Slash::Mode(
                mode.map_err(|error: bottega_policy::NotAnAccessMode| refuse(error.to_string()))?,
            )
        }
        "undo" => match rest.map(str::parse).transpose() {
            Ok(steps @ (None | Some(1..))) => Slash::Undo(steps.unwrap_or(1)),
            Ok(Some(_)) | Err(_) => {
                return Err(refuse("say how many changes, as in `/undo 2`".to_owned()));
            }
        },
        "cost" => Slash::Cost,
        "compact" => Slash::Compact,
        "quit" | "exit" | "q" => Slash::Quit,
        other => {
            let nearest = COMMANDS
                .iter()
                .map(|(name, ..)| {
                    (strsim::osa_distance(other, name), other.len().abs_diff(name.len()), *name)
                })
                .min()
                .filter(|(slips, ..)| *slips <= 2);
            let hint =
                nearest.map(|(.., name)| format!("; did you mean /{name}?")).unwrap_or_default();
            return Err(refuse(format!("there is no command /{other}{hint}")));
        }
    }))
}

/// The list that `/help` shows.
pub(super) fn help() -> String {
    let mut text = String::new();
    for (name, takes, does) in COMMANDS {
        text.push_str(&format!("  {:<16}{does}\n", format!("/{name} {takes}").trim_end()));
    }
    text + "  //…             a message that begins with a slash\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&Slash>) {
        assert_eq!(read(text).unwrap().as_ref(), expected, "{text}");
    }

    #[test]
    fn messages_mean_what_they_say() {
        check("  ", None);
        check(" fix it\nplease ", Some(&Slash::Say("fix it\nplease".into())));
        check("//etc is a path", Some(&Slash::Say("/etc is a path".into())));
        check("/model local/small", Some(&Slash::Model(Some("local/small".into()))));
        check("/mode auto", Some(&Slash::Mode(Some(AccessMode::Auto))));
        check("/undo", Some(&Slash::Undo(1)));
        check("/undo 3", Some(&Slash::Undo(3)));
        check("/q", Some(&Slash::Quit));
    }

    #[test]
    fn slips_are_answered() {
        for (text, expected) in [
            ("/modle x", "there is no command /modle; did you mean /model?"),
            ("/xyzzy", "there is no command /xyzzy"),
            ("/undo all", "say how many changes, as in `/undo 2`"),
            ("/undo 0", "say how many changes, as in `/undo 2`"),
            ("/mode root", "`root` is no access mode; choose read-only, ask, auto or full"),
        ] {
            assert_eq!(read(text).unwrap_err().message, expected);
        }
    }

    #[test]
    fn every_command_of_the_list_is_understood() {
        for (name, ..) in COMMANDS {
            assert!(
                !matches!(read(&format!("/{name}")), Ok(Some(Slash::Say(_))) | Err(_)),
                "{name}"
            );
        }
        insta::assert_snapshot!(help());
    }
}
