//! An answer's text as it grows, read into events: free text, tool calls, the end at a stop text.
//!
//! It holds back what may still turn out to be something else: the beginning of a stop text, or of
//! a call.

mod call;
mod opener;

use bottega_llm::StreamEvent;

use call::CallReader;
pub(crate) use opener::Form;
use opener::Opener;

/// What the engine must do about the text just read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heed {
    /// Nothing.
    GoOn,
    /// A call began; it went on with this text already.
    CallBegan(Form, String),
    /// A call without tags is complete, and with it the answer.
    Finished,
    /// A stop text was reached; the answer is over.
    StopText,
}

/// Reads one answer.
#[derive(Debug)]
pub(crate) struct AnswerReader {
    /// Written but not yet known to be plain text.
    pending: String,
    /// Whether nothing but white space was written on the present line before `pending`.
    line_start: bool,
    stops: Vec<String>,
    /// Whether calls are looked for.
    calls: bool,
    reading: Option<CallReader>,
    /// Calls begun so far.
    begun: u32,
    /// Names calls: the number of messages before this answer.
    turn: usize,
}

impl AnswerReader {
    /// Reads the answer that follows `turn` messages, up to one of `stops`.
    pub(crate) fn new(turn: usize, stops: Vec<String>, calls: bool) -> Self {
        let stops = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self {
            pending: String::new(),
            line_start: true,
            stops,
            calls,
            reading: None,
            begun: 0,
            turn,
        }
    }

    /// Whether any call began.
    pub(crate) const fn saw_call(&self) -> bool {
        self.begun > 0
    }

    /// Reads on. `constrained` tells that a grammar already holds the text, so that only tagged
    /// calls are looked for.
    pub(crate) fn push(
        &mut self,
        text: &str,
        constrained: bool,
        events: &mut Vec<StreamEvent>,
    ) -> Heed {
        self.pending.push_str(text);
        let mut heed = Heed::GoOn;
        loop {
            if let Some(call) = &mut self.reading {
                let rest = call.push(&std::mem::take(&mut self.pending), events);
                let Some(rest) = rest else { return heed };
                let bare = call.form() == Form::Bare;
                self.reading = None;
                self.line_start = true;
                if bare {
                    return Heed::Finished;
                }
                // The line break between two calls belongs to neither.
                self.pending = rest.strip_prefix('\n').unwrap_or(&rest).to_owned();
            }
            match self.read_text(constrained, events) {
                Some(Heed::CallBegan(form, rest)) => {
                    let id = format!("call_{}_{}", self.turn, self.begun);
                    self.reading = Some(CallReader::new(form, self.begun, id));
                    self.begun += 1;
                    self.pending.clone_from(&rest);
                    heed = Heed::CallBegan(form, rest);
                }
                Some(other) => return other,
                None => return heed,
            }
        }
    }

    /// Gives out what is plain text for sure.
    fn read_text(&mut self, constrained: bool, events: &mut Vec<StreamEvent>) -> Option<Heed> {
        let opener = if self.calls {
            opener::find(&self.pending, self.line_start, constrained)
        } else {
            Opener::None
        };
        let stop = self.stops.iter().filter_map(|stop| self.pending.find(stop.as_str())).min();
        let opens = match opener {
            Opener::Found { at, .. } => Some(at),
            Opener::Perhaps { .. } | Opener::None => None,
        };
        if let Some(at) = stop.filter(|at| opens.is_none_or(|opens| *at <= opens)) {
            self.give(at, events);
            self.pending.clear();
            return Some(Heed::StopText);
        }
        let held = match opener {
            Opener::Found { at, after, form } => {
                let text_end = self.pending[..at].strip_suffix('\n').map_or(at, str::len);
                let rest = self.pending[after..].to_owned();
                self.give(text_end, events);
                self.pending.clear();
                return Some(Heed::CallBegan(form, rest));
            }
            Opener::Perhaps { at } => at,
            Opener::None => self.pending.len(),
        };
        let held = self.stops.iter().map(|stop| begins(&self.pending, stop)).fold(held, usize::min);
        self.give(held, events);
        None
    }

    fn give(&mut self, up_to: usize, events: &mut Vec<StreamEvent>) {
        let text: String = self.pending.drain(..up_to).collect();
        if text.is_empty() {
            return;
        }
        let line = text.rfind('\n').map_or(text.as_str(), |at| &text[at + 1..]);
        let fresh = self.line_start || text.contains('\n');
        self.line_start = fresh && line.trim().is_empty();
        events.push(StreamEvent::Text(text));
    }

    /// The answer is over: what was held back is text after all.
    pub(crate) fn finish(&mut self, events: &mut Vec<StreamEvent>) {
        if self.reading.is_none() {
            self.give(self.pending.len(), events);
        }
    }
}

/// Where in `text` the end may be the beginning of `stop`; its length when nowhere.
fn begins(text: &str, stop: &str) -> usize {
    let longest = stop.len().min(text.len());
    (1..=longest)
        .rev()
        .map(|length| text.len() - length)
        .find(|at| text.is_char_boundary(*at) && stop.starts_with(&text[*at..]))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests;
