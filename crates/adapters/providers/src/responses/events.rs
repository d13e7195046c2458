//! The events of an answer.

use bottega_llm::{ModelError, Stop, StreamEvent, Usage};
use bottega_types::Tokens;
use serde::Deserialize;
use serde_json::Value;

use super::ENCRYPTED;
use crate::dialect::{Decoder, garbled};
use crate::failure::Complaint;

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "response.created")]
    Created { response: Response },
    #[serde(rename = "response.output_item.added")]
    ItemAdded { output_index: u32, item: Item },
    #[serde(rename = "response.output_item.done")]
    ItemDone { output_index: u32, item: Item },
    #[serde(rename = "response.output_text.delta")]
    Text { delta: String },
    #[serde(rename = "response.refusal.delta")]
    Refusal { delta: String },
    #[serde(
        rename = "response.reasoning_summary_text.delta",
        alias = "response.reasoning_text.delta"
    )]
    Reasoning { delta: String },
    #[serde(rename = "response.reasoning_summary_part.added")]
    SummaryPart {
        #[serde(default)]
        summary_index: u32,
    },
    #[serde(rename = "response.function_call_arguments.delta")]
    Arguments { output_index: u32, delta: String },
    #[serde(rename = "response.completed")]
    Completed { response: Response },
    #[serde(rename = "response.incomplete")]
    Incomplete { response: Response },
    #[serde(rename = "response.failed")]
    Failed { response: Response },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    #[serde(default)]
    model: String,
    usage: Option<Counts>,
    error: Option<Value>,
    incomplete_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item {
    FunctionCall {
        call_id: String,
        name: String,
        #[serde(default)]
        arguments: String,
    },
    Reasoning {
        encrypted_content: Option<String>,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    input_tokens: u64,
    input_tokens_details: Option<InputDetails>,
    #[serde(default)]
    output_tokens: u64,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: u64,
    #[serde(default)]
    cache_write_tokens: u64,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: u64,
}

/// What has been read of one answer.
#[derive(Debug, Default)]
pub(super) struct Events {
    refused: bool,
    calls: bool,
    /// The call whose arguments have not begun.
    silent: Option<u32>,
}

impl Decoder for Events {
    fn frame(&mut self, data: &str, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        // Some gateways end every stream as Chat Completions does.
        if data == "[DONE]" {
            return Ok(());
        }
        let value: Value = serde_json::from_str(data).map_err(|error| garbled(&error, data))?;
        let kind = value.get("type").and_then(Value::as_str);
        if kind == Some("error") || (kind.is_none() && value.get("error").is_some()) {
            return Err(Complaint::of(&value).into_error(None));
        }
        match Event::deserialize(&value).map_err(|error| garbled(&error, data))? {
            Event::Created { response } => {
                let Response { id, model, .. } = response;
                out.push(StreamEvent::Started { model, response_id: id });
            }
            Event::ItemAdded { output_index, item } => self.begin(output_index, item, out),
            Event::ItemDone { output_index, item } => self.end(output_index, item, out),
            Event::Text { delta } => out.push(StreamEvent::Text(delta)),
            Event::Refusal { delta } => {
                self.refused = true;
                out.push(StreamEvent::Text(delta));
            }
            Event::Reasoning { delta } => out.push(StreamEvent::Reasoning(delta)),
            Event::SummaryPart { summary_index: 0 } | Event::Unknown => {}
            Event::SummaryPart { .. } => out.push(StreamEvent::Reasoning("\n\n".to_owned())),
            Event::Arguments { output_index: index, delta } => {
                self.silent.take_if(|open| *open == index);
                out.push(StreamEvent::ToolCallDelta { index, arguments: delta });
            }
            Event::Completed { response } => {
                let stop = match (self.refused, self.calls) {
                    (true, _) => Stop::Refused,
                    (false, true) => Stop::ToolCalls,
                    (false, false) => Stop::EndTurn,
                };
                close(&response, stop, out);
            }
            Event::Incomplete { response } => {
                let reason = response.incomplete_details.as_ref().map(|why| why.reason.as_str());
                let stop = match reason {
                    Some("max_output_tokens") => Stop::MaxOutput,
                    Some("content_filter") => Stop::Refused,
                    other => Stop::Other(other.unwrap_or("incomplete").to_owned()),
                };
                close(&response, stop, out);
            }
            Event::Failed { response } => {
                let error = response.error.unwrap_or_default();
                return Err(Complaint::of(&error).into_error(None));
            }
        }
        Ok(())
    }
}

impl Events {
    fn begin(&mut self, index: u32, item: Item, out: &mut Vec<StreamEvent>) {
        match item {
            Item::FunctionCall { call_id, name, arguments } => {
                self.calls = true;
                self.silent = Some(index);
                out.push(StreamEvent::ToolCallStarted { index, id: call_id, name });
                if !arguments.is_empty() {
                    self.silent = None;
                    out.push(StreamEvent::ToolCallDelta { index, arguments });
                }
            }
            Item::Reasoning { .. } | Item::Unknown => {}
        }
    }

    fn end(&mut self, index: u32, item: Item, out: &mut Vec<StreamEvent>) {
        match item {
            Item::FunctionCall { arguments, .. } => {
                if self.silent.take_if(|open| *open == index).is_some() {
                    out.push(StreamEvent::ToolCallDelta { index, arguments });
                }
            }
            Item::Reasoning { encrypted_content: Some(proof) } => {
                out.push(StreamEvent::ReasoningSignature(format!("{ENCRYPTED}{proof}")));
            }
            Item::Reasoning { encrypted_content: None } | Item::Unknown => {}
        }
    }
}

fn close(response: &Response, stop: Stop, out: &mut Vec<StreamEvent>) {
    if let Some(counts) = &response.usage {
        let input = counts.input_tokens_details.as_ref();
        out.push(StreamEvent::Usage(Usage {
            input: Tokens::new(counts.input_tokens),
            cached: Tokens::new(input.map_or(0, |details| details.cached_tokens)),
            cache_write: Tokens::new(input.map_or(0, |details| details.cache_write_tokens)),
            output: Tokens::new(counts.output_tokens),
            reasoning: Tokens::new(
                counts.output_tokens_details.as_ref().map_or(0, |details| details.reasoning_tokens),
            ),
        }));
    }
    out.push(StreamEvent::Ended(stop));
}
