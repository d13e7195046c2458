//! What goes wrong, for people and scripts.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// A stable error code with its default next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// As in `BTG0007`; its page is `docs/errors/BTG0007.md`.
    pub name: &'static str,
    /// What it means, in a few words.
    pub title: &'static str,
    /// What the user can do, in one sentence.
    pub next_step: &'static str,
    /// The exit code of a command that ends with it.
    pub exit: u8,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $exit:literal, $title:literal, $next:literal;)*) => {
        /// Every error code.
        pub mod codes {
            use super::Code;
            $($(#[$doc])* pub const $name: Code =
                Code { name: $code, title: $title, next_step: $next, exit: $exit };)*
        }

        /// Every error code, in one table.
        pub const CODES: &[Code] = &[$(codes::$name),*];
    };
}

codes! {
    /// The command line or an argument can't be understood.
    USAGE = "BTG0001", 2, "wrong usage", "run the command with `--help`";
    /// A settings file or variable is not valid.
    SETTINGS = "BTG0002", 2, "settings not valid", "mend the line shown, or run `bottega config path`";
    /// No model can be used.
    NO_MODEL = "BTG0003", 2, "no model to use", "run `bottega model pull`, or set a provider's API key";
    /// The session is not there.
    NO_SESSION = "BTG0004", 2, "no such session", "run `bottega sessions list`";
    /// The session can't do that now.
    SESSION_STATE = "BTG0005", 1, "not possible in this state", "run `bottega sessions show` to see where it is";
    /// Another process is driving the session.
    SESSION_BUSY = "BTG0006", 1, "session in use", "end the other `bottega` process that works on it, then repeat";
    /// A budget or limit was reached.
    LIMIT = "BTG0007", 3, "limit or budget reached", "raise the limit, or split the task; `bottega resume` goes on";
    /// The policy or a person said no.
    REFUSED = "BTG0008", 4, "refused or not approved", "allow it with `--access-mode auto` or a rule under `access.rules.allow`";
    /// The provider gave up.
    PROVIDER = "BTG0009", 5, "provider gave up", "try again later or with another `--model`";
    /// The journal or another store failed.
    STORE = "BTG0010", 1, "storage failed", "run `bottega doctor`";
    /// The journal is not what was written.
    DAMAGED = "BTG0011", 1, "journal damaged", "keep a copy of the file and restore the last good backup";
    /// The model library failed.
    LIBRARY = "BTG0012", 1, "model not available", "run `bottega model list`, or pull it again: a pull resumes";
    /// A secret can't be read or kept.
    SECRET = "BTG0013", 1, "secret not available", "run `bottega secret list`";
    /// The agent could not do it.
    STUCK = "BTG0014", 1, "the agent could not do it", "read `bottega sessions show`, then give it a clearer or smaller task";
    /// A file can't be used.
    FILE = "BTG0015", 2, "file not usable", "check the path and the file's permissions";
    /// A fault of our own.
    INTERNAL = "BTG0016", 1, "internal fault", "run `bottega doctor`, and report it if it repeats";
    /// A person interrupted it.
    INTERRUPTED = "BTG0017", 130, "interrupted", "run `bottega resume` to go on";
    /// The agent is not there.
    NO_AGENT = "BTG0019", 2, "no such agent", "run `bottega agent list`";
    /// The agent can't do that now, or could not be begun.
    AGENT_STATE = "BTG0020", 1, "not possible for this agent now", "run `bottega agent show NAME` to see how it is";
    /// A manifest, a guest or a message is not what it should be.
    MALFORMED = "BTG0021", 2, "not what it should be", "mend what is named, then repeat";
    /// A message did not reach its receiver.
    UNDELIVERED = "BTG0022", 1, "message not delivered", "run `bottega agent list` to see who lives here and how they are";
    /// No server answers.
    NO_SERVER = "BTG0023", 1, "no server", "start one with `bottega serve`, or name it with `--server`";
    /// The tender is not there.
    NO_TENDER = "BTG0024", 2, "no such tender", "run `bottega tender list`";
    /// Nothing stands on the blackboard under that name.
    NO_ENTRY = "BTG0025", 2, "no such entry", "run `bottega board list`";
    /// Another version stands on the blackboard than the one that was expected.
    OTHER_VERSION = "BTG0026", 1, "another version stands there", "read the entry again, and decide anew";
    /// The tool is not there.
    NO_TOOL = "BTG0027", 2, "no such tool", "run `bottega tool list`";
    /// The server does not let this client in.
    NOT_LET_IN = "BTG0028", 1, "not let in", "set `BOTTEGA_SERVER_TOKEN` to the token in the file that the server names when it starts";
    /// The server has no room for it now.
    BUSY = "BTG0029", 1, "server busy", "try again in a moment";
    /// Standard output takes nothing more.
    OUTPUT = "BTG0018", 1, "output can't be written", "make room or write elsewhere, then repeat the command";
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ApiError {
    /// The stable code, as in `BTG0007`.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What the user can do, in one sentence.
    pub next_step: String,
    /// The exit code of a command that ends with it.
    pub exit: u8,
}

impl ApiError {
    /// An error of that code with its default next step.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code: code.name.to_owned(),
            message: message.into(),
            next_step: code.next_step.to_owned(),
            exit: code.exit,
        }
    }

    /// With a next step that fits better.
    #[must_use]
    pub fn step(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = next_step.into();
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
