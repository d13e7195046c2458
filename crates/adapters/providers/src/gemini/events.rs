//! The events of an answer: each chunk is a piece of the whole response.

use bottega_llm::{ErrorKind, ModelError, Stop, StreamEvent, Usage};
use bottega_types::Tokens;
use serde::Deserialize;
use serde_json::Value;

use super::{MADE_UP, SIGNED};
use crate::dialect::{Decoder, garbled};
use crate::failure::Complaint;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    #[serde(default)]
    candidates: Vec<Candidate>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Counts>,
    #[serde(default)]
    model_version: String,
    response_id: Option<String>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: u32,
    content: Option<Content>,
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    thought_signature: Option<String>,
    function_call: Option<Call>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    name: String,
    args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    #[serde(default)]
    prompt_token_count: u64,
    #[serde(default)]
    tool_use_prompt_token_count: u64,
    #[serde(default)]
    cached_content_token_count: u64,
    #[serde(default)]
    candidates_token_count: u64,
    #[serde(default)]
    thoughts_token_count: u64,
}

/// What has been read of one answer.
#[derive(Debug)]
pub(super) struct Events {
    nonce: u64,
    started: bool,
    calls: u32,
    stop: Option<Stop>,
}

impl Decoder for Events {
    fn frame(&mut self, data: &str, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| garbled(&error, data))?;
        if let Some(error) = chunk.error {
            return Err(Complaint::of(&error).into_error(None));
        }
        if !std::mem::replace(&mut self.started, true) {
            let (model, response_id) = (chunk.model_version, chunk.response_id);
            out.push(StreamEvent::Started { model, response_id });
        }
        if chunk.prompt_feedback.is_some_and(|feedback| feedback.block_reason.is_some()) {
            self.stop = Some(Stop::Refused);
        }
        for candidate in chunk.candidates {
            if candidate.index == 0 {
                self.candidate(candidate, out)?;
            }
        }
        if let Some(counts) = chunk.usage_metadata {
            out.push(StreamEvent::Usage(usage(&counts)));
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<StreamEvent>) -> Result<(), ModelError> {
        // Chunks may follow the reason, so that the end is known only now.
        if let Some(stop) = self.stop.take() {
            out.push(StreamEvent::Ended(stop));
        }
        Ok(())
    }
}

impl Events {
    pub(super) const fn new(nonce: u64) -> Self {
        Self { nonce, started: false, calls: 0, stop: None }
    }

    fn candidate(
        &mut self,
        candidate: Candidate,
        out: &mut Vec<StreamEvent>,
    ) -> Result<(), ModelError> {
        for part in candidate.content.into_iter().flat_map(|content| content.parts) {
            self.part(part, out);
        }
        let Some(reason) = candidate.finish_reason else { return Ok(()) };
        self.stop = Some(match reason.as_str() {
            "STOP" if self.calls > 0 => Stop::ToolCalls,
            "STOP" => Stop::EndTurn,
            "MAX_TOKENS" => Stop::MaxOutput,
            "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
            | "IMAGE_SAFETY" => Stop::Refused,
            "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" => {
                let why = candidate.finish_message.unwrap_or_default();
                return Err(ModelError::new(ErrorKind::Garbled, format!("{reason} {why}")));
            }
            _ => Stop::Other(reason),
        });
        Ok(())
    }

    fn part(&mut self, part: Part, out: &mut Vec<StreamEvent>) {
        let text = part.text.filter(|text| !text.is_empty());
        let proof = part.thought_signature.map(|proof| format!("{SIGNED}{proof}"));
        if part.thought {
            out.extend(text.map(StreamEvent::Reasoning));
            out.extend(proof.map(StreamEvent::ReasoningSignature));
            return;
        }
        // The proof stands before the part it belongs to.
        out.extend(proof.map(StreamEvent::ReasoningSignature));
        out.extend(text.map(StreamEvent::Text));
        if let Some(call) = part.function_call {
            let index = self.calls;
            self.calls += 1;
            let id = call.id.filter(|id| !id.is_empty());
            let id = id.unwrap_or_else(|| format!("{MADE_UP}{:x}_{index}", self.nonce));
            out.push(StreamEvent::ToolCallStarted { index, id, name: call.name });
            let arguments = call.args.filter(Value::is_object);
            let arguments = arguments.map_or_else(|| "{}".to_owned(), |args| args.to_string());
            out.push(StreamEvent::ToolCallDelta { index, arguments });
        }
    }
}

fn usage(counts: &Counts) -> Usage {
    Usage {
        input: Tokens::new(counts.prompt_token_count + counts.tool_use_prompt_token_count),
        cached: Tokens::new(counts.cached_content_token_count),
        cache_write: Tokens::ZERO,
        // The provider counts thoughts apart from the answer.
        output: Tokens::new(counts.candidates_token_count + counts.thoughts_token_count),
        reasoning: Tokens::new(counts.thoughts_token_count),
    }
}
