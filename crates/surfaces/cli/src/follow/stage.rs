//! Standard error during a run: told lines, and below them a line that says what is being done.

use std::io::Write;

use bottega_api::RunEvent;
use tokio::time::Instant;

use super::narrator::Narrator;
use crate::figures;
use crate::visible;

/// Standard error during a run.
pub(super) struct Stage<'t> {
    err: &'t mut (dyn Write + Send),
    pub(super) narrator: Narrator,
    /// Whether there is a status line; only a terminal has one.
    live: bool,
    drawn: bool,
    frame: usize,
    since: Instant,
}

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const CLEAR: &str = "\r\u{1b}[2K";

impl<'t> Stage<'t> {
    pub(super) fn new(err: &'t mut (dyn Write + Send), narrator: Narrator, live: bool) -> Self {
        Self { err, narrator, live, drawn: false, frame: 0, since: Instant::now() }
    }

    pub(super) fn tell(&mut self, event: &RunEvent) {
        let before = self.narrator.doing();
        let text = self.narrator.tell(event);
        if self.narrator.doing() != before {
            self.since = Instant::now();
        }
        if !text.is_empty() {
            self.put(&text);
        }
    }

    /// Writes lines of our own; streamed text that stands open is ended first.
    pub(super) fn write(&mut self, text: &str) {
        let open = self.narrator.end_line();
        self.put(&format!("{open}{text}"));
    }

    /// Writes a line that the person goes on typing in.
    pub(super) fn write_open(&mut self, text: &str) {
        self.write(text);
    }

    /// Draws the status line anew, unless streamed text stands open.
    pub(super) fn frame(&mut self) {
        if !self.live || self.narrator.line_is_open() {
            return;
        }
        let Some(doing) = self.narrator.doing() else { return };
        let passed = match self.since.elapsed().as_secs() {
            0 => String::new(),
            seconds => format!(" · {}", figures::span(seconds * 1_000)),
        };
        let spinner = SPINNER[self.frame % SPINNER.len()];
        self.frame += 1;
        let line = visible::fit(&format!("{spinner} {doing}{passed}"), self.narrator.columns());
        let line = self.narrator.paint().dim(&line);
        self.drawn = true;
        self.show(&format!("{CLEAR}{line}"));
    }

    /// Leaves standard error as one finds it: no status line, no open line.
    pub(super) fn close(&mut self) {
        self.write("");
    }

    fn put(&mut self, text: &str) {
        let clear = if std::mem::take(&mut self.drawn) { CLEAR } else { "" };
        self.show(&format!("{clear}{text}"));
    }

    /// When standard error is gone there is nobody to tell, and the work goes on.
    fn show(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }
}
