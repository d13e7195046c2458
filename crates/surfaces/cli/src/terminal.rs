//! Where a command reads and writes.

use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bottega_types::{Clock, SystemClock, Timestamp};
use futures::StreamExt as _;
use futures::stream::BoxStream;

use crate::keyboard::{Keyboard, SystemKeyboard};
use crate::paint::Paint;

/// When output has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// How this process is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// The person pressed Ctrl-C (SIGINT).
    CtrlC,
    /// The system, or somebody by `kill`, asked it to end (SIGTERM).
    Terminate,
}

/// What a run shows beside its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Show {
    /// A model's reasoning.
    pub reasoning: bool,
    /// Changes as diffs.
    pub diffs: bool,
    /// The line with tokens, cost and time.
    pub cost: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self { reasoning: false, diffs: true, cost: true }
    }
}

/// Where a command reads and writes. Tests hand in their own streams.
pub struct Terminal {
    /// Whether a person may be typing.
    pub stdin_is_terminal: bool,
    /// Whether standard output is seen by a person.
    pub stdout_is_terminal: bool,
    /// Whether standard error is seen by a person.
    pub stderr_is_terminal: bool,
    /// Whether it takes text alone: no colours, no moving about (`TERM=dumb`).
    pub dumb: bool,
    /// Columns.
    pub width: u16,
    /// When output has colours, as the settings and the environment say; a flag of the command counts more.
    pub color: ColorChoice,
    /// What a run shows beside its answer.
    pub show: Show,
    /// The root of the workspace; the present folder when absent.
    pub workspace: Option<PathBuf>,
    /// Standard output: results alone.
    pub out: Box<dyn Write + Send>,
    /// Standard error: everything else.
    pub err: Box<dyn Write + Send>,
    /// Standard input.
    pub keyboard: Box<dyn Keyboard>,
    /// One item each time this process is asked to stop.
    pub interrupts: BoxStream<'static, Interrupt>,
    /// Tells how long ago something was.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("stdin_is_terminal", &self.stdin_is_terminal)
            .field("stdout_is_terminal", &self.stdout_is_terminal)
            .field("stderr_is_terminal", &self.stderr_is_terminal)
            .field("dumb", &self.dumb)
            .field("width", &self.width)
            .field("color", &self.color)
            .finish_non_exhaustive()
    }
}

/// Columns where nobody can say how many there are.
const USUAL_WIDTH: u16 = 100;

impl Terminal {
    /// This process's own streams. `term` is the variable `TERM`; `history` is the file of lines typed in
    /// `bottega chat`; `interrupts` yields once each time the process is asked to stop.
    #[must_use]
    pub fn system(
        term: Option<&str>,
        history: Option<PathBuf>,
        interrupts: BoxStream<'static, Interrupt>,
    ) -> Self {
        let dumb = term == Some("dumb");
        let columns = |stream: rustix::fd::BorrowedFd<'_>| {
            rustix::termios::tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|c| *c > 0)
        };
        let (out, err) = (io::stdout(), io::stderr());
        let width = columns(std::os::fd::AsFd::as_fd(&out))
            .or_else(|| columns(std::os::fd::AsFd::as_fd(&err)))
            .unwrap_or(USUAL_WIDTH);
        Self {
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: out.is_terminal(),
            stderr_is_terminal: err.is_terminal(),
            dumb,
            width,
            color: ColorChoice::Auto,
            show: Show::default(),
            workspace: None,
            out: Box::new(out),
            err: Box::new(err),
            keyboard: Box::new(SystemKeyboard::new(history, dumb)),
            interrupts,
            clock: Arc::new(SystemClock),
        }
    }

    /// Whether a person can be asked: they see the question and can type the answer.
    #[must_use]
    pub const fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }

    /// Whether a person sits before a whole screen that can be drawn on, and can press its keys.
    pub(crate) const fn has_screen(&self) -> bool {
        self.stdin_is_terminal && self.stdout_is_terminal && !self.dumb
    }

    /// Whether lines on standard error can be drawn over.
    pub(crate) const fn err_is_screen(&self) -> bool {
        self.stderr_is_terminal && !self.dumb
    }

    pub(crate) const fn out_paint(&self) -> Paint {
        Paint { on: colored(self.color, self.stdout_is_terminal && !self.dumb) }
    }

    pub(crate) const fn err_paint(&self) -> Paint {
        Paint { on: colored(self.color, self.stderr_is_terminal && !self.dumb) }
    }

    /// Columns of standard output; where no person reads it, nothing is cut.
    pub(crate) const fn out_columns(&self) -> usize {
        if self.stdout_is_terminal { self.width as usize } else { usize::MAX }
    }

    pub(crate) const fn err_columns(&self) -> usize {
        self.width as usize
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes a result.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Writes what is no result. When standard error is gone there is nobody to tell, and the work goes on.
    pub(crate) fn note(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }

    /// A piece of work that ends when this process is asked to stop: `None` when it was.
    pub(crate) async fn unless_interrupted<T>(
        interrupts: &mut BoxStream<'static, Interrupt>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            Some(_) = interrupts.next() => None,
        }
    }
}

const fn colored(choice: ColorChoice, terminal: bool) -> bool {
    match choice {
        ColorChoice::Auto => terminal,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    }
}
