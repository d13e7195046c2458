//! The protocols' own frames and words.
//!
//! Sources: the providers' public API references as of November 2026; the shapes are those that the fixtures of
//! `bottega-providers` hold.

mod anthropic;
mod chat_completions;
mod gemini;
mod ollama;
mod responses;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::{Asked, Saying, WireProtocol};

/// The model's name in every list.
const MODEL: &str = "scripted";

pub(super) const fn media_type(protocol: WireProtocol) -> &'static str {
    match protocol {
        WireProtocol::Ollama => "application/x-ndjson",
        WireProtocol::Anthropic
        | WireProtocol::Responses
        | WireProtocol::ChatCompletions
        | WireProtocol::Gemini => "text/event-stream",
    }
}

/// An answer in the protocol's frames.
pub(super) fn frames(asked: &Asked, saying: &Saying) -> Vec<Bytes> {
    let frames = match asked.protocol {
        WireProtocol::Anthropic => anthropic::frames(asked, saying),
        WireProtocol::Responses => responses::frames(asked, saying),
        WireProtocol::ChatCompletions => chat_completions::frames(asked, saying),
        WireProtocol::Gemini => gemini::frames(saying),
        WireProtocol::Ollama => ollama::frames(saying),
    };
    frames.into_iter().map(Bytes::from).collect()
}

/// The id of a call: the same whenever the same turn is asked for, and another for each.
fn call_id(asked: &Asked, index: usize) -> String {
    format!("call_{}_{index}", asked.turn)
}

/// An answer's text in two pieces, as it streams.
fn pieces(text: &str) -> Vec<&str> {
    let middle = text.floor_char_boundary(text.len() / 2);
    let (first, second) = text.split_at(middle);
    [first, second].into_iter().filter(|piece| !piece.is_empty()).collect()
}

/// Arguments as an object, for protocols that have no other form.
fn object(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| Value::String(arguments.to_owned()))
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn data(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// A failure of this status in the protocol's words.
pub(super) fn complaint(protocol: WireProtocol, status: u16) -> Value {
    let (message, kind, google) = match status {
        400 => ("the script has no answer to this", "invalid_request_error", "INVALID_ARGUMENT"),
        401 => ("the key is not valid", "authentication_error", "UNAUTHENTICATED"),
        403 => ("the key may not do this", "permission_error", "PERMISSION_DENIED"),
        404 => ("there is no such model", "not_found_error", "NOT_FOUND"),
        429 => ("too many requests", "rate_limit_error", "RESOURCE_EXHAUSTED"),
        529 => ("Overloaded", "overloaded_error", "UNAVAILABLE"),
        _ => ("something went wrong on our side", "api_error", "INTERNAL"),
    };
    match protocol {
        WireProtocol::Anthropic => {
            json!({ "type": "error", "error": { "type": kind, "message": message } })
        }
        WireProtocol::Responses | WireProtocol::ChatCompletions => {
            json!({ "error": { "message": message, "type": kind, "code": null, "param": null } })
        }
        WireProtocol::Gemini => {
            json!([{ "error": { "code": status, "message": message, "status": google } }])
        }
        WireProtocol::Ollama => json!({ "error": message }),
    }
}

/// The status and the words with which the protocol refuses a conversation that is too long.
pub(super) fn overflow(protocol: WireProtocol) -> (u16, Value) {
    let complaint = match protocol {
        WireProtocol::Anthropic => json!({ "type": "error", "error": {
            "type": "invalid_request_error",
            "message": "prompt is too long: 210000 tokens > 200000 maximum",
        } }),
        WireProtocol::Responses => json!({ "error": {
            "message": "Your input exceeds the context window of this model.",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        } }),
        WireProtocol::ChatCompletions => json!({
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens.",
            "code": 400,
        }),
        WireProtocol::Gemini => json!([{ "error": {
            "code": 400,
            "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "status": "INVALID_ARGUMENT",
        } }]),
        WireProtocol::Ollama => {
            json!({ "error": "the input length exceeds the context length" })
        }
    };
    (400, complaint)
}

/// The answer to a request that lists models or asks for a version.
pub(super) fn listing(path: &str) -> Option<Value> {
    Some(match path {
        "/api/version" => json!({ "version": "0.12.0" }),
        "/api/tags" => json!({ "models": [{ "name": MODEL, "model": MODEL, "size": 1 }] }),
        "/api/show" => json!({ "model_info": {}, "capabilities": ["completion", "tools"] }),
        "/v1beta/models" => json!({ "models": [{ "name": format!("models/{MODEL}") }] }),
        path if path.ends_with("/models") => {
            json!({ "object": "list", "data": [{ "id": MODEL, "object": "model" }], "has_more": false })
        }
        _ => return None,
    })
}
