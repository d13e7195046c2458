//! One call's text, read into its name and the pieces of its arguments.

use bottega_llm::StreamEvent;

use super::super::template::CALL_CLOSES;
use super::opener::Form;

#[derive(Debug)]
enum Stage {
    /// Before the end of the name.
    Name(String),
    /// Between the name and the arguments.
    Between(String),
    /// Inside the arguments, which are JSON.
    Arguments(Depth),
    /// After them.
    Tail(String),
}

/// Reads one call, from behind its opener.
#[derive(Debug)]
pub(super) struct CallReader {
    form: Form,
    index: u32,
    id: String,
    stage: Stage,
}

impl CallReader {
    pub(super) fn new(form: Form, index: u32, id: String) -> Self {
        Self { form, index, id, stage: Stage::Name(String::new()) }
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    /// Reads on. Gives what follows the call, once it is complete.
    pub(super) fn push(&mut self, text: &str, events: &mut Vec<StreamEvent>) -> Option<String> {
        let mut text = text.to_owned();
        loop {
            match &mut self.stage {
                Stage::Name(seen) => {
                    seen.push_str(&text);
                    let (name, rest) = name(seen, self.form)?;
                    text = rest.to_owned();
                    events.push(StreamEvent::ToolCallStarted {
                        index: self.index,
                        id: self.id.clone(),
                        name: name.to_owned(),
                    });
                    self.stage = Stage::Between(String::new());
                }
                Stage::Between(seen) => {
                    seen.push_str(&text);
                    // `, "arguments": ` in any spacing: the second colon-free quote pair, then a colon.
                    let colon = seen.find(':')?;
                    let rest = seen[colon + 1..].trim_start();
                    if rest.is_empty() {
                        return None;
                    }
                    text = rest.to_owned();
                    self.stage = Stage::Arguments(Depth::default());
                }
                Stage::Arguments(depth) => {
                    let end = depth.end(&text);
                    let piece = &text[..end.unwrap_or(text.len())];
                    if !piece.is_empty() {
                        let arguments = piece.to_owned();
                        events.push(StreamEvent::ToolCallDelta { index: self.index, arguments });
                    }
                    text = text[end?..].to_owned();
                    self.stage = Stage::Tail(String::new());
                }
                Stage::Tail(seen) => {
                    seen.push_str(&text);
                    let close = match self.form {
                        Form::Tagged => CALL_CLOSES,
                        Form::Bare => "}",
                    };
                    let at = seen.find(close)?;
                    return Some(seen[at + close.len()..].to_owned());
                }
            }
        }
    }
}

/// The name, and what follows its closing quote.
fn name(seen: &str, form: Form) -> Option<(&str, &str)> {
    let after_quote = match form {
        Form::Bare => seen,
        Form::Tagged => {
            let colon = seen.find(':')?;
            let quote = seen[colon..].find('"')?;
            &seen[colon + quote + 1..]
        }
    };
    after_quote.split_once('"')
}

/// Where in JSON text one is.
#[derive(Debug, Default)]
struct Depth {
    open: u32,
    in_string: bool,
    escaped: bool,
}

impl Depth {
    /// Reads on; gives the place after the bracket that closes the first.
    fn end(&mut self, text: &str) -> Option<usize> {
        for (at, c) in text.char_indices() {
            if self.in_string {
                match c {
                    _ if self.escaped => self.escaped = false,
                    '\\' => self.escaped = true,
                    '"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match c {
                '"' => self.in_string = true,
                '{' | '[' => self.open += 1,
                '}' | ']' => {
                    self.open = self.open.saturating_sub(1);
                    if self.open == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}
