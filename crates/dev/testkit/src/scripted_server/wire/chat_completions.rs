//! Chat Completions: chunks of one choice, then the usage, then `[DONE]`.

use serde_json::{Value, json};

use super::{MODEL, call_id, data, pieces};
use crate::scripted_server::{Asked, Saying};

pub(super) fn frames(asked: &Asked, saying: &Saying) -> Vec<String> {
    let id = format!("chatcmpl-{}", asked.number);
    let frame = |choices: Value, usage: Value| {
        data(&json!({
            "id": id, "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": choices,
            "usage": usage,
        }))
    };
    let chunk = |delta: Value, reason: Option<&str>| {
        frame(json!([{ "index": 0, "delta": delta, "finish_reason": reason }]), Value::Null)
    };
    let mut frames = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
    for text in pieces(&saying.text) {
        frames.push(chunk(json!({ "content": text }), None));
    }
    for (index, (name, arguments)) in saying.calls.iter().enumerate() {
        let begun = json!({
            "index": index, "id": call_id(asked, index), "type": "function",
            "function": { "name": name, "arguments": "" },
        });
        frames.push(chunk(json!({ "tool_calls": [begun] }), None));
        for piece in pieces(arguments) {
            let more = json!({ "index": index, "function": { "arguments": piece } });
            frames.push(chunk(json!({ "tool_calls": [more] }), None));
        }
    }
    let reason = if saying.calls.is_empty() { "stop" } else { "tool_calls" };
    frames.push(chunk(json!({}), Some(reason)));
    let usage = &saying.usage;
    frames.push(frame(
        json!([]),
        json!({
            "prompt_tokens": usage.input.get(),
            "completion_tokens": usage.output.get(),
            "total_tokens": usage.total().get(),
            "prompt_tokens_details": { "cached_tokens": usage.cached.get() },
        }),
    ));
    frames.push("data: [DONE]\n\n".to_owned());
    frames
}
