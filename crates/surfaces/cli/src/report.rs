//! What went wrong, as it is told.

use std::io;

use bottega_api::{ApiError, CODES, Ending, codes};

use crate::paint::Paint;
use crate::terminal::Terminal;
use crate::visible;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something a person can act on.
    Told(ApiError),
    /// It was told already; only the exit code is left.
    Silent(u8),
    /// A stream can't be written or read.
    Stream(io::Error),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Told(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

/// Wrong usage that only shows when the arguments meet the world.
pub(crate) fn usage(message: impl Into<String>, next_step: impl Into<String>) -> Failure {
    ApiError::new(codes::USAGE, message).step(next_step).into()
}

/// Whether errors are told to people or to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines with colours.
    People,
    /// One JSON object a line.
    Json,
}

/// Tells an error on standard error and returns its exit code.
pub fn report(terminal: &mut Terminal, error: &ApiError, form: Form) -> u8 {
    let text = match form {
        Form::People => told(error, terminal.err_paint()),
        Form::Json => format!("{}\n", serde_json::json!({ "error": error })),
    };
    // When standard error is gone too there is nobody left to tell.
    let _ = terminal.note(&text);
    error.exit
}

/// `error[BTG0003]: message`, then the next step.
pub(crate) fn told(error: &ApiError, paint: Paint) -> String {
    let head = paint.red(&format!("error[{}]", error.code));
    let message = visible::shown(&error.message);
    let next = paint.cyan("next:");
    format!("{head}: {}\n  {next} {}\n", message.trim_end(), visible::shown(&error.next_step))
}

/// The error that an ending other than `done` is.
pub(crate) fn of_ending(ending: Ending, why: Option<&str>) -> Option<ApiError> {
    let code = match ending {
        Ending::Done => return None,
        Ending::Failed => codes::STUCK,
        Ending::Limit => codes::LIMIT,
        Ending::Refused => codes::REFUSED,
        Ending::Provider => codes::PROVIDER,
        Ending::Interrupted => codes::INTERRUPTED,
    };
    Some(ApiError::new(code, why.unwrap_or(code.title)))
}

/// The exit codes of this command line, with what each means.
pub(crate) const EXITS: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed"),
    (2, "wrong usage, settings or input"),
    (3, "a budget or limit was reached"),
    (4, "refused or not approved"),
    (5, "the provider gave up"),
    (130, "interrupted"),
];

/// `docs/reference/exit-codes.md`.
#[must_use]
pub fn exit_codes_markdown() -> String {
    let mut page = String::from(
        "# Exit codes\n\nThis page is written by `bottega-cli`. The codes are part of the contract with scripts: they \
         stay as they are.\n\n| exit code | meaning | errors that end with it |\n| --- | --- | --- |\n",
    );
    for (exit, meaning) in EXITS {
        let errors: Vec<String> = CODES
            .iter()
            .filter(|code| code.exit == *exit)
            .map(|code| format!("[{0}](../errors/{0}.md) {1}", code.name, code.title))
            .collect();
        page.push_str(&format!("| {exit} | {meaning} | {} |\n", errors.join(", ")));
    }
    page.push_str(
        "\n`bottega run`, `chat` and `resume` end with the code of their last task. The last event of `bottega run \
         --json` names the ending:\n\n| `ending` | exit code |\n| --- | --- |\n",
    );
    for ending in [
        Ending::Done,
        Ending::Failed,
        Ending::Limit,
        Ending::Refused,
        Ending::Provider,
        Ending::Interrupted,
    ] {
        let word = format!("{ending:?}").to_lowercase();
        page.push_str(&format!("| `{word}` | {} |\n", ending.exit()));
    }
    page.push_str(
        "\nErrors go to standard error as `error[CODE]: message` and a line `next:`; with `--json` as one object: \
         `{\"error\":{\"code\":…,\"message\":…,\"next_step\":…,\"exit\":…}}`.\n",
    );
    page
}
