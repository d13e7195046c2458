//! How a pull is shown: a bar on a terminal, a line every tenth without one.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bottega_llm::{PullProgress, PullStage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

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
    Bar(ProgressBar),
    Lines(&'t mut (dyn Write + Send)),
}

/// How many columns the bar itself takes is left to the template.
const BAR: &str = "{spinner} {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const NO_TOTAL: &str = "{spinner} {msg} {bytes} {bytes_per_sec}";

impl<'t> Shown<'t> {
    /// Lines on a stream that is no terminal.
    pub(crate) fn lines(err: &'t mut (dyn Write + Send)) -> Self {
        Self::new(Form::Lines(err))
    }

    /// A bar on the terminal that standard error is.
    pub(crate) fn bar(columns: u16) -> Self {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(Screen::new(columns)), 10);
        Self::new(Form::Bar(ProgressBar::with_draw_target(None, target)))
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
            Form::Bar(bar) => bar.finish_and_clear(),
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
                    begin(bar, progress, words);
                }
                bar.set_position(progress.done);
                bar.tick();
                Ok(())
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

fn begin(bar: &ProgressBar, progress: &PullProgress, words: String) {
    let template = match progress.total {
        Some(total) => {
            bar.set_length(total);
            BAR
        }
        None => NO_TOTAL,
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_message(words);
    // What was there before is not this attempt's speed.
    bar.set_position(progress.done);
    bar.reset_eta();
}

const fn words(stage: PullStage) -> &'static str {
    match stage {
        PullStage::Resolving => "asking the source",
        PullStage::Waiting => "waiting for another process that pulls it",
        PullStage::Downloading => "fetching",
        PullStage::Assembling => "joining the parts",
        PullStage::Verifying => "checking the digest",
    }
}

/// Standard error as the bar draws on it.
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
        let text = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let mut err = io::stderr().lock();
        err.write_all(text.as_bytes())?;
        err.flush()
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
