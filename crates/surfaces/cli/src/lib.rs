//! The command line: understand the words, ask the client, show the view.
//!
//! What it is: the table of commands, one file each under `command/`; the live telling of a run; the questions to
//! the person at the terminal; and the generated pages about all of it.
//! What it is not: it opens no journal and reads no settings. The app gives it an
//! [`Entrance`](bottega_client::Entrance) and a [`Terminal`], and gets an exit code back.
//!
//! One command: words → [`parse`] → [`Invocation`] (its [`overrides`](Invocation::overrides) go into the settings) →
//! [`execute`] → a view or a followed run → exit code.
//!
//! Invariants
//! * Standard output holds results alone; everything else goes to standard error.
//! * Standard input is read only when a command asks for it; a task that was given never waits for it.
//! * Without a terminal nothing is ever asked, and no escape code is written unless colours are forced.
//! * Text of models, tools and files passes `visible` before it reaches a terminal.
//! * A reader that leaves early, as `head` does, is told nothing more; output that can't be written is an error.
//! * Interrupting loses nothing: the first Ctrl-C stops the work, the second leaves, and `bottega resume` goes on.

mod approval;
mod arguments;
mod command;
mod execute;
mod follow;
mod happened;
mod invocation;
mod keyboard;
mod paint;
mod pull;
mod reference;
mod report;
mod table;
mod task;
mod template;
mod terminal;
mod work;

use bottega_tui::{figures, visible};

pub use command::Needs;
pub use execute::execute;
pub use invocation::{Exit, Invocation, Override, parse};
pub use keyboard::{Keyboard, SystemKeyboard, Typed};
pub use reference::{cli_markdown, run_events_schema};
pub use report::{Form, HANGUP, exit_codes_markdown, report};
pub use terminal::{ColorChoice, Interrupt, Show, Terminal};
