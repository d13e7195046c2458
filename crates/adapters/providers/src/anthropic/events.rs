//! The events of an answer.

use bottega_llm::{ErrorKind, ModelError, Stop, StreamEvent, Usage};
use bottega_types::Tokens;
use serde::Deserialize;
use serde_json::Value;

use super::{REDACTED, SIGNED};
use crate::dialect::{Decoder, garbled};
use crate::failure::Complaint;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Begun,
    },
    ContentBlockStart {
        index: u32,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u32,
        delta: Delta,
    },
    ContentBlockStop {
        index: u32,
    },
    MessageDelta {
        delta: End,
        usage: Option<Counts>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Begun {
    id: Option<String>,
    #[serde(default)]
    model: String,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct End {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Unknown,
}

/// Counts so far; what is absent has not changed.
#[derive(Deserialize)]
struct Counts {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    thinking_tokens: Option<u64>,
}

/// What has been read of one answer.
#[derive(Debug, Default)]
pub(super) struct Events {
    asked: String,
    fresh: u64,
    usage: Usage,
    stop: Option<String>,
    /// The block that is open: its proof so far, or its whole input when no piece of it came yet.
    signature: String,
    whole_input: Option<(u32, String)>,
}

impl Decoder for Events {
    fn frame(&mut self, data: &str, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        let event = serde_json::from_str(data).map_err(|error| garbled(&error, data))?;
        match event {
            Event::MessageStart { message } => {
                let Begun { id, model, usage } = message;
                out.push(StreamEvent::Started { model, response_id: id });
                self.count(usage, out);
            }
            Event::ContentBlockStart { index, content_block } => {
                self.open(index, content_block, out);
            }
            Event::ContentBlockDelta { index, delta } => self.more(index, delta, out),
            Event::ContentBlockStop { index } => self.shut(index, out),
            Event::MessageDelta { delta, usage } => {
                self.stop = delta.stop_reason.or(self.stop.take());
                self.count(usage, out);
            }
            Event::MessageStop => out.push(StreamEvent::Ended(self.ending()?)),
            Event::Error { error } => return Err(Complaint::of(&error).into_error(None)),
            Event::Unknown => {}
        }
        Ok(())
    }
}

impl Events {
    pub(super) fn new(asked: &str) -> Self {
        Self { asked: asked.to_owned(), ..Self::default() }
    }

    fn open(&mut self, index: u32, block: Block, out: &mut Vec<StreamEvent>) {
        match block {
            Block::Text { text } => {
                if !text.is_empty() {
                    out.push(StreamEvent::Text(text));
                }
            }
            Block::Thinking { thinking, signature } => {
                if !thinking.is_empty() {
                    out.push(StreamEvent::Reasoning(thinking));
                }
                self.signature = signature;
            }
            Block::RedactedThinking { data } => {
                out.push(StreamEvent::ReasoningSignature(self.proof(REDACTED, &data)));
            }
            Block::ToolUse { id, name, input } => {
                out.push(StreamEvent::ToolCallStarted { index, id, name });
                let input = if input.is_object() { input.to_string() } else { "{}".to_owned() };
                self.whole_input = Some((index, input));
            }
            Block::Unknown => {}
        }
    }

    fn more(&mut self, index: u32, delta: Delta, out: &mut Vec<StreamEvent>) {
        match delta {
            Delta::Text { text } => out.push(StreamEvent::Text(text)),
            Delta::Thinking { thinking } => out.push(StreamEvent::Reasoning(thinking)),
            Delta::Signature { signature } => self.signature.push_str(&signature),
            Delta::InputJson { partial_json } => {
                if !partial_json.is_empty() {
                    self.whole_input = None;
                    out.push(StreamEvent::ToolCallDelta { index, arguments: partial_json });
                }
            }
            Delta::Unknown => {}
        }
    }

    fn shut(&mut self, index: u32, out: &mut Vec<StreamEvent>) {
        if !self.signature.is_empty() {
            let signature = std::mem::take(&mut self.signature);
            out.push(StreamEvent::ReasoningSignature(self.proof(SIGNED, &signature)));
        }
        if let Some((_, arguments)) = self.whole_input.take_if(|(open, _)| *open == index) {
            out.push(StreamEvent::ToolCallDelta { index, arguments });
        }
    }

    fn proof(&self, mark: &str, proof: &str) -> String {
        format!("{mark}{}|{proof}", self.asked)
    }

    fn count(&mut self, counts: Option<Counts>, out: &mut Vec<StreamEvent>) {
        let Some(counts) = counts else { return };
        let usage = &mut self.usage;
        self.fresh = counts.input_tokens.unwrap_or(self.fresh);
        if let Some(read) = counts.cache_read_input_tokens {
            usage.cached = Tokens::new(read);
        }
        if let Some(written) = counts.cache_creation_input_tokens {
            usage.cache_write = Tokens::new(written);
        }
        if let Some(output) = counts.output_tokens {
            usage.output = Tokens::new(output);
        }
        if let Some(thought) = counts.output_tokens_details.and_then(|d| d.thinking_tokens) {
            usage.reasoning = Tokens::new(thought);
        }
        // The provider counts cached tokens apart from the others.
        usage.input = Tokens::new(self.fresh) + usage.cached + usage.cache_write;
        out.push(StreamEvent::Usage(*usage));
    }

    fn ending(&mut self) -> Result<Stop, ModelError> {
        let reason = self.stop.take().ok_or_else(|| {
            ModelError::new(ErrorKind::Garbled, "the answer ended without a reason")
        })?;
        Ok(match reason.as_str() {
            "end_turn" => Stop::EndTurn,
            "tool_use" => Stop::ToolCalls,
            "max_tokens" => Stop::MaxOutput,
            "stop_sequence" => Stop::StopText,
            "refusal" => Stop::Refused,
            "model_context_window_exceeded" => Stop::ContextFull,
            _ => Stop::Other(reason),
        })
    }
}
