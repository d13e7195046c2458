//! How a pull is shown: a bar on a terminal, a line every tenth without one.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bottega_llm::{PullProgress, PullStage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use crate::figures;

/// Shows how far a pull is.
pub(crate) struct Shown<'t> {
    state: Mutex<State<'t>>,
}

struct State<'t> {
    form: Form<'t>,
    stage: Option<PullStage>,
    /// What was there when fetching began.
    resumed: Option<u64>,
    /// The last tenth that was told.
    tenth: u64,
}

enum Form<'t> {
    Bar(Bar<'t>),
    Lines(&'t mut (dyn Write + Send)),
}

/// A bar that draws on the terminal that `err` is.
struct Bar<'t> {
    err: &'t mut (dyn Write + Send),
    screen: Screen,
    present: Option<ProgressBar>,
}

const KNOWN: &str = "{spinner} {msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {rate} {left}";
const UNKNOWN: &str = "{spinner} {msg} {binary_bytes} {rate}";
/// Drawings a second at most.
const HZ: u8 = 10;

impl<'t> Shown<'t> {
    /// Lines on a stream that is no terminal.
    pub(crate) fn lines(err: &'t mut (dyn Write + Send)) -> Self {
        Self::new(Form::Lines(err))
    }

    /// A bar on the terminal that standard error is.
    pub(crate) fn bar(err: &'t mut (dyn Write + Send), columns: u16) -> Self {
        Self::new(Form::Bar(Bar { err, screen: Screen::new(columns), present: None }))
    }

    const fn new(form: Form<'t>) -> Self {
        Self { state: Mutex::new(State { form, stage: None, resumed: None, tenth: 0 }) }
    }

    /// Shows one step. Showing never stops a pull: what can't be written is lost.
    pub(crate) fn step(&self, progress: &PullProgress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = state.step(progress);
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.form {
            Form::Bar(mut bar) => {
                let _ = bar.end();
            }
            Form::Lines(_) => {}
        }
    }
}

impl State<'_> {
    fn step(&mut self, progress: &PullProgress) -> io::Result<()> {
        let begins = self.stage != Some(progress.stage);
        self.stage = Some(progress.stage);
        let fetching = progress.stage == PullStage::Downloading;
        if fetching && self.resumed.is_none() {
            self.resumed = Some(progress.done);
        }
        let resumed = match self.resumed {
            Some(bytes) if fetching && bytes > 0 => {
                format!(" (resumed at {})", figures::bytes(bytes))
            }
            Some(_) | None => String::new(),
        };
        let words = format!("{}{resumed}", words(progress.stage));
        match &mut self.form {
            Form::Bar(bar) => {
                if begins {
                    bar.begin(progress, words)?;
                }
                bar.step(progress.done)
            }
            Form::Lines(err) => {
                if begins {
                    self.tenth = 0;
                    writeln!(err, "{words}")?;
                }
                let Some(total) = progress.total.filter(|total| *total > 0) else { return Ok(()) };
                let tenth = progress.done.saturating_mul(10) / total;
                if fetching && tenth > self.tenth {
                    self.tenth = tenth;
                    let (done, total) = (figures::bytes(progress.done), figures::bytes(total));
                    writeln!(err, "{:>4}%  {done} of {total}", (tenth * 10).min(100))?;
                }
                err.flush()
            }
        }
    }
}

impl Bar<'_> {
    fn begin(&mut self, progress: &PullProgress, words: String) -> io::Result<()> {
        self.end()?;
        // What was there before is not this attempt's speed.
        let before = progress.done;
        let speed = move |state: &ProgressState| {
            let seconds = state.elapsed().as_secs_f64().max(0.001);
            state.pos().saturating_sub(before) as f64 / seconds
        };
        let rate = move |state: &ProgressState, to: &mut dyn fmt::Write| {
            let _ = write!(to, "{}/s", figures::bytes(speed(state) as u64));
        };
        let left = move |state: &ProgressState, to: &mut dyn fmt::Write| {
            let rest = state.len().unwrap_or_default().saturating_sub(state.pos()) as f64;
            let seconds = rest / speed(state);
            // Nothing is known before the first bytes.
            if seconds.is_finite() {
                let _ = write!(to, "{} left", figures::span(seconds as u64 * 1_000));
            }
        };
        let template = if progress.total.is_some() { KNOWN } else { UNKNOWN };
        let style = ProgressStyle::with_template(template).map_err(io::Error::other)?;
        let style = style.with_key("rate", rate).with_key("left", left).progress_chars("━╸─");
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(self.screen.clone()), HZ);
        let bar = ProgressBar::with_draw_target(progress.total, target);
        self.present = Some(bar.with_style(style).with_message(words).with_position(before));
        Ok(())
    }

    fn step(&mut self, done: u64) -> io::Result<()> {
        if let Some(bar) = &self.present {
            bar.set_position(done);
            bar.tick();
        }
        self.draw()
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some(bar) = self.present.take() {
            bar.finish_and_clear();
        }
        self.draw()
    }

    fn draw(&mut self) -> io::Result<()> {
        self.err.write_all(self.screen.take().as_bytes())?;
        self.err.flush()
    }
}

const fn words(stage: PullStage) -> &'static str {
    match stage {
        PullStage::Resolving => "asking the source",
        PullStage::Waiting => "waiting for another process that pulls it",
        PullStage::Downloading => "fetching",
        PullStage::Retrying => "the connection broke; trying again",
        PullStage::Assembling => "joining the parts",
        PullStage::Verifying => "checking the digest",
    }
}

/// What the bar draws, until it is written to the terminal.
#[derive(Clone, Debug)]
struct Screen {
    columns: u16,
    pending: Arc<Mutex<String>>,
}

impl Screen {
    fn new(columns: u16) -> Self {
        Self { columns, pending: Arc::default() }
    }

    fn add(&self, text: &str) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn moved(&self, by: usize, letter: char) -> io::Result<()> {
        if by > 0 {
            self.add(&format!("\u{1b}[{by}{letter}"));
        }
        Ok(())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.columns
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(text);
        self.add("\n");
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\u{1b}[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_every_tenth_is_a_line() {
        let mut err = Vec::new();
        let shown = Shown::lines(&mut err);
        let step = |stage, done, total| shown.step(&PullProgress { stage, done, total });
        step(PullStage::Resolving, 0, None);
        for percent in 31..=100 {
            step(PullStage::Downloading, percent * 10_000_000, Some(1_000_000_000));
        }
        step(PullStage::Verifying, 0, Some(1_000_000_000));
        step(PullStage::Verifying, 1_000_000_000, Some(1_000_000_000));
        shown.end();
        insta::assert_snapshot!(String::from_utf8(err).unwrap());
    }
}
