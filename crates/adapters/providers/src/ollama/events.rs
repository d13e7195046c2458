//! The lines of an answer.

use bottega_llm::{ModelError, Stop, StreamEvent, Usage};
use bottega_types::Tokens;
use serde::Deserialize;
use serde_json::Value;

use crate::dialect::{Decoder, garbled};
use crate::failure::Complaint;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    model: String,
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: String,
    #[serde(default)]
    thinking: String,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    arguments: Option<Value>,
}

/// What has been read of one answer.
#[derive(Debug)]
pub(super) struct Events {
    nonce: u64,
    started: bool,
    calls: u32,
}

impl Decoder for Events {
    fn frame(&mut self, data: &str, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        let line: Line = serde_json::from_str(data).map_err(|error| garbled(&error, data))?;
        if let Some(error) = line.error {
            return Err(Complaint::of(&error).into_error(None));
        }
        if !std::mem::replace(&mut self.started, true) {
            out.push(StreamEvent::Started { model: line.model, response_id: None });
        }
        if let Some(message) = line.message {
            self.message(message, out);
        }
        if line.done {
            let input = Tokens::new(line.prompt_eval_count.unwrap_or(0));
            let output = Tokens::new(line.eval_count.unwrap_or(0));
            out.push(StreamEvent::Usage(Usage { input, output, ..Usage::default() }));
            let stop = match line.done_reason.as_deref() {
                Some("stop") | None if self.calls > 0 => Stop::ToolCalls,
                Some("stop") | None => Stop::EndTurn,
                Some("length") => Stop::MaxOutput,
                Some(other) => Stop::Other(other.to_owned()),
            };
            out.push(StreamEvent::Ended(stop));
        }
        Ok(())
    }
}

impl Events {
    pub(super) const fn new(nonce: u64) -> Self {
        Self { nonce, started: false, calls: 0 }
    }

    fn message(&mut self, message: Message, out: &mut Vec<StreamEvent>) {
        if !message.thinking.is_empty() {
            out.push(StreamEvent::Reasoning(message.thinking));
        }
        if !message.content.is_empty() {
            out.push(StreamEvent::Text(message.content));
        }
        for call in message.tool_calls.into_iter().flatten() {
            let index = self.calls;
            self.calls += 1;
            let id = call.id.filter(|id| !id.is_empty());
            let id = id.unwrap_or_else(|| format!("call_{:x}_{index}", self.nonce));
            out.push(StreamEvent::ToolCallStarted { index, id, name: call.function.name });
            let arguments = match call.function.arguments {
                Some(Value::String(text)) => text,
                Some(Value::Null) | None => "{}".to_owned(),
                Some(other) => other.to_string(),
            };
            out.push(StreamEvent::ToolCallDelta { index, arguments });
        }
    }
}
