//! From events to what a person reads.

use std::collections::BTreeMap;

use bottega_api::RunEvent;

use super::gist::gist;
use crate::figures;
use crate::paint::Paint;
use crate::terminal::Show;
use crate::visible::{self, Stripper};

/// How it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) paint: Paint,
    pub(crate) show: Show,
    /// Columns of the terminal; absent where there is none, and only whole lines are told.
    pub(crate) columns: Option<usize>,
    /// Whether streamed text already stands where the answer belongs, so that it is not repeated.
    pub(crate) answer_streams: bool,
}

/// Tells a run to a person: each event becomes text to append.
pub(crate) struct Narrator {
    look: Look,
    stripper: Stripper,
    /// Whether the last line has no end yet.
    open: bool,
    /// What was streamed of the present message.
    streamed: String,
    /// A message that may turn out to be the answer, which is told elsewhere.
    held: Option<String>,
    reasoning: String,
    calls: BTreeMap<String, Call>,
    model: String,
    doing: Option<String>,
}

/// A tool call under way.
struct Call {
    tool: String,
    /// Output that has no line end yet.
    open: String,
    /// Lines that were told.
    told: usize,
    /// Lines that were passed over.
    over: usize,
}

/// Columns of a told line where there is no terminal.
const WIDEST: usize = 400;
/// Live lines of one call.
const OUTPUT_LINES: usize = 12;
/// Lines of one diff.
const DIFF_LINES: usize = 60;
/// Lines of a failure's text.
const FAILURE_LINES: usize = 8;
/// Bytes of live output that may wait for their line end.
const OPEN_BYTES: usize = 4_096;

impl Narrator {
    pub(crate) fn new(look: Look) -> Self {
        Self {
            look,
            stripper: Stripper::default(),
            open: false,
            streamed: String::new(),
            held: None,
            reasoning: String::new(),
            calls: BTreeMap::new(),
            model: String::new(),
            doing: None,
        }
    }

    pub(crate) const fn paint(&self) -> Paint {
        self.look.paint
    }

    pub(crate) const fn columns(&self) -> usize {
        match self.look.columns {
            Some(columns) => columns,
            None => WIDEST,
        }
    }

    /// What is being done now.
    pub(crate) fn doing(&self) -> Option<String> {
        self.doing.clone()
    }

    pub(crate) const fn line_is_open(&self) -> bool {
        self.open
    }

    /// The text that the person saw where the answer belongs.
    pub(crate) fn answer_seen(&self) -> Option<&str> {
        self.look.answer_streams.then_some(self.streamed.as_str())
    }

    /// What ends an open line.
    pub(crate) fn end_line(&mut self) -> String {
        if std::mem::take(&mut self.open) { "\n".to_owned() } else { String::new() }
    }

    /// What to append for an event.
    pub(crate) fn tell(&mut self, event: &RunEvent) -> String {
        match event {
            RunEvent::Session { session, model, access_mode, workspace, resumed } => {
                self.model = visible::first_line(model);
                let goes_on = if *resumed { "goes on · " } else { "" };
                let place = visible::first_line(workspace);
                self.line(&format!("{session} · {goes_on}{} · {access_mode} · {place}", self.model))
            }
            RunEvent::Turn { number } => {
                self.doing = Some(format!("turn {number}: asking {}", self.model));
                let held = self.release(None);
                self.streamed.clear();
                match self.look.columns {
                    Some(_) => held,
                    None => held + &self.line(&format!("turn {number}")),
                }
            }
            RunEvent::Prompt { done, total } => {
                let (done, total) = (figures::grouped(*done), figures::grouped(*total));
                self.doing = Some(format!("reading the prompt: {done} of {total} tokens"));
                String::new()
            }
            RunEvent::Text { delta } => self.text(delta),
            RunEvent::Reasoning { delta } => self.reason(delta),
            RunEvent::Message { text } => self.message(text),
            RunEvent::Retry { model, attempt, why } => self.retry(model, *attempt, why.as_deref()),
            RunEvent::ToolCall { call, tool, arguments } => self.call(call, tool, arguments),
            RunEvent::ToolOutput { call, text } => self.output(call, text),
            RunEvent::ToolResult {
                call,
                tool,
                outcome,
                summary,
                text,
                changed,
                elapsed_ms,
                ..
            } => {
                let result =
                    Outcome { tool, outcome, summary, text, changed, elapsed_ms: *elapsed_ms };
                self.result(call, &result)
            }
            RunEvent::Nudge { text } => {
                let held = self.release(None);
                held + &self.line(&format!("! told the model: {}", visible::first_line(text)))
            }
            RunEvent::Compacted { kept } => {
                let held = self.release(None);
                let kept = figures::counted(u64::from(*kept), "message", "messages");
                held + &self
                    .line(&format!("shortened the history; the last {kept} stay as they are"))
            }
            RunEvent::Totals { .. } => String::new(),
            RunEvent::Ended { answer, .. } => {
                self.doing = None;
                let held = self.release(Some(answer));
                held + &self.end_line()
            }
        }
    }

    /// A dim line of our own, cut to the width.
    fn line(&mut self, text: &str) -> String {
        let open = self.end_line();
        format!("{open}{}\n", self.look.paint.dim(&visible::fit(text, self.columns())))
    }

    fn text(&mut self, delta: &str) -> String {
        self.doing = Some("writing".to_owned());
        if self.look.columns.is_none() {
            return String::new();
        }
        let text = self.stripper.feed(delta);
        self.streamed.push_str(&text);
        let told = self.streamed.len() > text.len() || !text.trim().is_empty();
        if !told {
            // Blank beginnings would only push the screen up.
            self.streamed.clear();
            return String::new();
        }
        self.append(&text, self.look.answer_streams)
    }

    fn append(&mut self, text: &str, plainly: bool) -> String {
        if text.is_empty() {
            return String::new();
        }
        self.open = !text.ends_with('\n');
        if plainly { text.to_owned() } else { self.look.paint.dim(text) }
    }

    fn reason(&mut self, delta: &str) -> String {
        self.doing = Some("thinking".to_owned());
        if !self.look.show.reasoning {
            return String::new();
        }
        if self.look.columns.is_none() {
            self.reasoning.push_str(delta);
            return String::new();
        }
        let text = self.stripper.feed(delta);
        self.append(&text, false)
    }

    fn message(&mut self, text: &str) -> String {
        self.doing = None;
        let reasoning = std::mem::take(&mut self.reasoning);
        let mut told = self.end_line();
        if !reasoning.trim().is_empty() {
            told.push_str(&self.look.paint.dim(visible::shown(reasoning.trim()).as_str()));
            told.push('\n');
        }
        if !text.trim().is_empty() && self.streamed.trim().is_empty() {
            self.held = Some(text.to_owned());
        }
        told
    }

    /// Tells a message that was held, unless it is the answer.
    fn release(&mut self, answer: Option<&str>) -> String {
        match self.held.take() {
            Some(text) if answer.map(str::trim) != Some(text.trim()) => {
                let open = self.end_line();
                format!("{open}{}\n", self.look.paint.dim(visible::shown(text.trim()).as_str()))
            }
            Some(_) | None => String::new(),
        }
    }

    fn retry(&mut self, model: &str, attempt: u32, why: Option<&str>) -> String {
        self.model = visible::first_line(model);
        self.doing = Some(format!("asking {} again", self.model));
        self.streamed.clear();
        let why = why.map(|why| format!(": {}", visible::first_line(why))).unwrap_or_default();
        self.line(&format!("↻ asking {}, attempt {attempt}{why}", self.model))
    }

    fn call(&mut self, call: &str, tool: &str, arguments: &str) -> String {
        let mut told = self.release(None);
        told.push_str(&self.end_line());
        let tool = visible::first_line(tool);
        let line = format!("{tool} {}", gist(arguments));
        let line = visible::fit(line.trim_end(), self.columns().saturating_sub(2));
        self.doing = Some(format!("running {line}"));
        let rest = line.strip_prefix(&tool).unwrap_or_default();
        let paint = self.look.paint;
        told.push_str(&format!("{} {}{rest}\n", paint.cyan("→"), paint.bold(&tool)));
        let begun = Call { tool, open: String::new(), told: 0, over: 0 };
        self.calls.insert(call.to_owned(), begun);
        told
    }

    fn output(&mut self, call: &str, text: &str) -> String {
        let Some(call) = self.calls.get_mut(call) else { return String::new() };
        call.open.push_str(text);
        let ended = call.open.rfind('\n').map_or(0, |at| at + 1);
        let mut lines = Vec::new();
        for line in call.open[..ended].split_inclusive('\n') {
            if call.told < OUTPUT_LINES {
                call.told += 1;
                lines.push(line.to_owned());
            } else {
                call.over += 1;
            }
        }
        // Once for all of them: each removal moves what follows.
        call.open.drain(..ended);
        if call.open.len() > OPEN_BYTES {
            call.open.clear();
        }
        lines.iter().map(|line| self.beside(&visible::drawn_line(line))).collect()
    }

    /// A line that belongs to the call above.
    fn beside(&mut self, text: &str) -> String {
        let open = self.end_line();
        let text = visible::fit(text, self.columns().saturating_sub(4));
        format!("{open}  {}\n", self.look.paint.dim(format!("│ {text}").trim_end()))
    }

    fn result(&mut self, call: &str, result: &Outcome<'_>) -> String {
        let begun = self.calls.remove(call);
        self.doing = self.calls.values().next().map(|call| format!("running {}", call.tool));
        let (mut told, mut lines) = (String::new(), 0);
        if let Some(mut begun) = begun {
            if !begun.open.trim().is_empty() && begun.told < OUTPUT_LINES {
                begun.told += 1;
                told.push_str(&self.beside(&visible::drawn_line(&begun.open)));
            }
            if begun.over > 0 {
                let over = figures::counted(begun.over as u64, "more line", "more lines");
                told.push_str(&self.beside(&format!("… {over}")));
            }
            lines = begun.told;
        }
        told.push_str(&self.end_line());
        // Where the text is no more than the summary, it is told once, and whole.
        let same = result.text.trim() == result.summary.trim();
        told.push_str(&self.verdict(result, !same));
        if !result.changed.is_empty() && self.look.show.diffs {
            told.push_str(&self.diff(result.text));
        } else if result.outcome != "succeeded" && (lines == 0 || same) {
            let lines = result.text.lines().filter(|line| !line.trim().is_empty());
            for line in lines.take(FAILURE_LINES) {
                told.push_str(&self.beside(&visible::drawn_line(line)));
            }
        }
        told
    }

    fn verdict(&self, result: &Outcome<'_>, with_summary: bool) -> String {
        let paint = self.look.paint;
        let mark = match result.outcome {
            "succeeded" => paint.green("✓"),
            "interrupted" => paint.yellow("!"),
            _ => paint.red("✗"),
        };
        let tool = visible::first_line(result.tool);
        let word = match result.outcome {
            "succeeded" | "command_failed" => String::new(),
            other => format!(" {}", visible::first_line(other)),
        };
        // What did not run, or was broken off, took no time that anybody measured.
        let time = match (result.outcome, result.elapsed_ms) {
            ("denied" | "interrupted", 0) => String::new(),
            (_, elapsed_ms) => format!(" · {}", figures::span(elapsed_ms)),
        };
        let mut line = format!("{tool}{word}");
        if with_summary {
            line.push_str(&format!(": {}", visible::first_line(result.summary)));
        }
        let room = self.columns().saturating_sub(4 + visible::width(&time));
        format!("  {mark} {}{time}\n", visible::fit(&line, room))
    }

    fn diff(&mut self, text: &str) -> String {
        let text = visible::shown(text);
        let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("@@")).collect();
        let mut told = String::new();
        for line in lines.iter().take(DIFF_LINES) {
            let line = visible::fit(&line.replace('\t', "    "), self.columns().saturating_sub(4));
            told.push_str(&format!("    {}\n", self.look.paint.diff_line(&line)));
        }
        if lines.len() > DIFF_LINES {
            let over =
                figures::counted((lines.len() - DIFF_LINES) as u64, "more line", "more lines");
            told.push_str(&format!("    {}\n", self.look.paint.dim(&format!("… {over}"))));
        }
        told
    }
}

/// How a call ended.
struct Outcome<'e> {
    tool: &'e str,
    outcome: &'e str,
    summary: &'e str,
    text: &'e str,
    changed: &'e [String],
    elapsed_ms: u64,
}
