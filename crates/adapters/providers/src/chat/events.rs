//! The events of an answer, in the many ways servers send them.

use bottega_llm::{ErrorKind, ModelError, Stop, StreamEvent, Usage};
use bottega_types::Tokens;
use serde::Deserialize;
use serde_json::Value;

use super::{DETAILS, FIELD};
use crate::dialect::{Decoder, garbled};
use crate::failure::Complaint;

#[derive(Deserialize)]
struct Chunk {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counts>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    delta: Option<Delta>,
    finish_reason: Option<String>,
    /// Some resellers put an upstream's failure here.
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    /// Text, or by some servers a list of pieces.
    content: Option<Value>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    reasoning_details: Option<Vec<Value>>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    index: Option<u32>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    /// Text, or by some servers an object.
    arguments: Option<Value>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's name for tokens read from its cache.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

/// A call that was begun, by the number the server gives it.
#[derive(Debug)]
struct Begun {
    number: u32,
    id: String,
    /// Whether no arguments came yet.
    silent: bool,
}

/// What has been read of one answer.
#[derive(Debug)]
pub(super) struct Events {
    nonce: u64,
    started: bool,
    calls: Vec<Begun>,
    stop: Option<Stop>,
    refused: bool,
    /// The field that reasoning came in, until it is closed by its mark.
    field: Option<&'static str>,
    details: Vec<Value>,
}

impl Decoder for Events {
    fn frame(&mut self, data: &str, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        if data.trim() == "[DONE]" {
            return self.close(out);
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| garbled(&error, data))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Complaint::of(&error).into_error(None));
        }
        if !std::mem::replace(&mut self.started, true) {
            let model = chunk.model.unwrap_or_default();
            out.push(StreamEvent::Started { model, response_id: chunk.id });
        }
        for choice in chunk.choices {
            if choice.index == 0 {
                self.choice(choice, out)?;
            }
        }
        if let Some(counts) = chunk.usage {
            out.push(StreamEvent::Usage(usage(&counts)));
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        // Usage may follow the reason, so that the end is known only now.
        let Some(stop) = self.stop.take() else { return Ok(()) };
        self.end_reasoning(out);
        for (place, call) in self.calls.iter().enumerate() {
            if call.silent && stop == Stop::ToolCalls {
                out.push(arguments_of(place, "{}".to_owned()));
            }
        }
        let stop = if self.refused { Stop::Refused } else { stop };
        out.push(StreamEvent::Ended(stop));
        Ok(())
    }
}

impl Events {
    pub(super) const fn new(nonce: u64) -> Self {
        Self {
            nonce,
            started: false,
            calls: Vec::new(),
            stop: None,
            refused: false,
            field: None,
            details: Vec::new(),
        }
    }

    fn choice(&mut self, choice: Choice, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        if let Some(error) = choice.error.filter(|error| !error.is_null()) {
            return Err(Complaint::of(&error).into_error(None));
        }
        if let Some(delta) = choice.delta {
            self.delta(delta, out)?;
        }
        let Some(reason) = choice.finish_reason else { return Ok(()) };
        self.stop = Some(match reason.as_str() {
            "stop" if self.calls.is_empty() => Stop::EndTurn,
            "stop" | "tool_calls" | "function_call" => Stop::ToolCalls,
            "length" => Stop::MaxOutput,
            "content_filter" => Stop::Refused,
            "error" => {
                let message = "the server ended the answer with an error it did not name";
                return Err(ModelError::new(ErrorKind::Overloaded, message));
            }
            _ => Stop::Other(reason),
        });
        Ok(())
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        let named =
            [("reasoning_content", delta.reasoning_content), ("reasoning", delta.reasoning)];
        // A server that sends both fields sends the same text in both.
        let reasoning = named.into_iter().find_map(|(field, text)| Some((field, filled(text)?)));
        if let Some((field, text)) = reasoning {
            self.field = Some(field);
            out.push(StreamEvent::Reasoning(text));
        }
        for detail in delta.reasoning_details.into_iter().flatten() {
            self.detail(detail);
        }
        match delta.content {
            Some(Value::String(text)) => self.text(text, out),
            Some(Value::Array(pieces)) => {
                for piece in pieces {
                    if let Some(text) = piece.get("text").and_then(Value::as_str) {
                        self.text(text.to_owned(), out);
                    }
                    for thought in
                        piece.get("thinking").and_then(Value::as_array).into_iter().flatten()
                    {
                        let text = thought.get("text").and_then(Value::as_str);
                        out.extend(text.map(|text| StreamEvent::Reasoning(text.to_owned())));
                    }
                }
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
        }
        if let Some(text) = filled(delta.refusal) {
            self.refused = true;
            out.push(StreamEvent::Text(text));
        }
        let calls = delta.tool_calls.unwrap_or_default();
        if !calls.is_empty() {
            self.end_reasoning(out);
        }
        for (place, call) in calls.into_iter().enumerate() {
            self.call(place, call, out)?;
        }
        Ok(())
    }

    fn text(&mut self, text: String, out: &mut Vec<StreamEvent>) {
        if !text.is_empty() {
            self.end_reasoning(out);
            out.push(StreamEvent::Text(text));
        }
    }

    /// Joins a piece of reasoning details to the one before where both belong together.
    fn detail(&mut self, mut piece: Value) {
        let same = |a: &Value, b: &Value| {
            ["type", "index", "id"].iter().all(|key| {
                a.get(*key) == b.get(*key)
                    || (*key == "id" && b.get("id").is_none_or(Value::is_null))
            })
        };
        let open = self.details.last_mut().filter(|open| same(open, &piece));
        let (Some(open), Some(piece)) =
            (open.and_then(Value::as_object_mut), piece.as_object_mut())
        else {
            self.details.push(piece);
            return;
        };
        for (key, value) in std::mem::take(piece) {
            let joined = matches!(key.as_str(), "text" | "summary" | "data");
            match (open.get_mut(&key), value) {
                (Some(Value::String(before)), Value::String(more)) if joined => {
                    before.push_str(&more);
                }
                (_, Value::Null) => {}
                (_, value) => {
                    open.insert(key, value);
                }
            }
        }
    }

    /// Closes the reasoning so far with the mark of how it has to go back.
    fn end_reasoning(&mut self, out: &mut Vec<StreamEvent>) {
        let field = self.field.take();
        if !self.details.is_empty() {
            let details = Value::Array(std::mem::take(&mut self.details));
            out.push(StreamEvent::ReasoningSignature(format!("{DETAILS}{details}")));
        } else if let Some(field) = field {
            out.push(StreamEvent::ReasoningSignature(format!("{FIELD}{field}")));
        }
    }

    fn call(
        &mut self,
        place: usize,
        call: Call,
        out: &mut Vec<StreamEvent>,
    ) -> Result<(), ModelError> {
        let name = call.function.as_ref().and_then(|function| filled(function.name.clone()));
        let id = filled(call.id);
        let arguments = call.function.and_then(|function| function.arguments);
        let number = call.index.unwrap_or(u32::try_from(place).unwrap_or(u32::MAX));
        // The last call of this number: some servers number every call alike, and tell a new one
        // by its id.
        let known = self.calls.iter().rposition(|begun| {
            begun.number == number && id.as_ref().is_none_or(|id| *id == begun.id || name.is_none())
        });
        let place = match (known, name) {
            (Some(place), _) => place,
            (None, Some(name)) => {
                let place = self.calls.len();
                let id = id.unwrap_or_else(|| format!("call_{:x}_{place}", self.nonce));
                self.calls.push(Begun { number, id: id.clone(), silent: true });
                let index = u32::try_from(place).unwrap_or(u32::MAX);
                out.push(StreamEvent::ToolCallStarted { index, id, name });
                place
            }
            (None, None) => {
                let message = format!("tool call {number} has no name");
                return Err(ModelError::new(ErrorKind::Garbled, message));
            }
        };
        let arguments = match arguments {
            Some(Value::String(text)) => text,
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        if !arguments.is_empty() {
            self.calls[place].silent = false;
            out.push(arguments_of(place, arguments));
        }
        Ok(())
    }
}

fn arguments_of(place: usize, arguments: String) -> StreamEvent {
    StreamEvent::ToolCallDelta { index: u32::try_from(place).unwrap_or(u32::MAX), arguments }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn usage(counts: &Counts) -> Usage {
    let prompt = counts.prompt_tokens_details.as_ref();
    let cached = prompt.and_then(|details| details.cached_tokens);
    let written = prompt.and_then(|details| details.cache_write_tokens);
    let reasoning =
        counts.completion_tokens_details.as_ref().and_then(|details| details.reasoning_tokens);
    Usage {
        input: Tokens::new(counts.prompt_tokens),
        cached: Tokens::new(cached.or(counts.prompt_cache_hit_tokens).unwrap_or(0)),
        cache_write: Tokens::new(written.unwrap_or(0)),
        output: Tokens::new(counts.completion_tokens),
        reasoning: Tokens::new(reasoning.unwrap_or(0)),
    }
}
