//! What went wrong, as it is told.

use std::io;

use bottega_api::{ApiError, CODES, Ending, NoticeView, codes};

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
    /// Standard output can't be written.
    Output(io::Error),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Told(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Standard input can't be read.
#[expect(clippy::needless_pass_by_value, reason = "it stands behind `map_err`")]
pub(crate) fn unread(error: io::Error) -> Failure {
    let why = format!("standard input can't be read: {error}");
    ApiError::new(codes::FILE, why).step("give the task as an argument, or pipe it in").into()
}

/// Why standard output can't be written; nothing when its reader left early, as `head` does.
pub(crate) fn unwritten(error: &io::Error) -> Option<ApiError> {
    let why = format!("standard output can't be written: {}", plain(error));
    (error.kind() != io::ErrorKind::BrokenPipe).then(|| ApiError::new(codes::OUTPUT, why))
}

/// What the system says, without the number that it says it by.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// The exit code of a process whose terminal went away: 128 and the number of SIGHUP.
pub const HANGUP: u8 = 129;

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
    terminal.note(&text);
    error.exit
}

/// `error[BTG0003]: message`, then the next step.
pub(crate) fn told(error: &ApiError, paint: Paint) -> String {
    let head = paint.red(&format!("error[{}]", error.code));
    let message = visible::shown(&error.message);
    let next = paint.cyan("next:");
    format!("{head}: {}\n  {next} {}\n", message.trim_end(), visible::shown(&error.next_step))
}

/// `note: message`, then the next step.
pub(crate) fn noticed(notice: &NoticeView, paint: Paint) -> String {
    let (head, next) = (paint.yellow("note"), paint.cyan("next:"));
    let message = visible::shown(&notice.message);
    format!("{head}: {message}\n  {next} {}\n", visible::shown(&notice.next_step))
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
    let error = ApiError::new(code, why.unwrap_or(code.title));
    Some(match ending {
        Ending::Refused => refused(error),
        Ending::Done | Ending::Failed | Ending::Limit | Ending::Provider | Ending::Interrupted => {
            error
        }
    })
}

/// What helps depends on who refused.
fn refused(error: ApiError) -> ApiError {
    let says = |words: &str| error.message.contains(words);
    let step = if says("the model declined") {
        "say the task in other words, or ask another `--model`"
    } else if says("a person said no") {
        "say what to do instead: `bottega resume --task \"…\"`"
    } else if says("may carry away what was read from") {
        "run it at a terminal, where you can be asked, or vouch for where it was read in `access.rules.trust`"
    } else if says("in every access mode") {
        "run it at a terminal, where you can be asked"
    } else if says("(deny rule `") {
        "take the rule out of `access.rules.deny`, or say what to do instead: `bottega resume --task \"…\"`"
    } else if says(", which the settings forbid") {
        "set `access.outflow` to `ask`, or say what to do instead: `bottega resume --task \"…\"`"
    } else if says("access mode read-only") {
        "run it with `--access-mode ask`, or `auto` where nobody can be asked"
    } else if says("run with --access-mode full") {
        "allow it with `--access-mode full` or a rule under `access.rules.allow`"
    } else {
        return error;
    };
    error.step(step)
}

/// The exit codes of this command line, with what each means.
pub(crate) const EXITS: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed"),
    (2, "wrong usage, settings or input"),
    (3, "a budget or limit was reached"),
    (4, "refused or not approved"),
    (5, "the provider gave up"),
    (HANGUP, "the terminal went away (SIGHUP); `bottega resume` goes on"),
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
        "\nA reader that closes standard output early, as `head` does, has seen enough: nothing is told, and a command \
         that shows something ends with 0. The work of `run --json` is stopped then (130, `bottega resume` goes on), \
         since nobody reads what it does; a `run` whose answer finds no reader ends with the code of its work. \
         Output that can't be written, as on a full disk, is the error BTG0018.\n\
         \n`bottega run`, `chat` and `resume` end with the code of their last task. The last event of `bottega run \
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
