//! Anthropic Messages: named events, one block after another.

use serde_json::{Value, json};

use super::{MODEL, call_id, event, pieces};
use crate::scripted_server::{Asked, Saying};

pub(super) fn frames(asked: &Asked, saying: &Saying) -> Vec<String> {
    let usage = &saying.usage;
    let input = json!({
        "input_tokens": usage.fresh().get(),
        "cache_read_input_tokens": usage.cached.get(),
        "cache_creation_input_tokens": usage.cache_write.get(),
        "output_tokens": 1,
    });
    let mut frames = vec![event(
        "message_start",
        &json!({ "type": "message_start", "message": {
            "id": format!("msg_{}", asked.number), "type": "message", "role": "assistant", "model": MODEL,
            "content": [], "stop_reason": null, "usage": input,
        } }),
    )];
    let mut index = 0;
    if !saying.text.is_empty() {
        let deltas = pieces(&saying.text);
        let deltas = deltas.iter().map(|text| json!({ "type": "text_delta", "text": text }));
        frames.extend(block(index, &json!({ "type": "text", "text": "" }), deltas));
        index += 1;
    }
    for (place, (name, arguments)) in saying.calls.iter().enumerate() {
        let start =
            json!({ "type": "tool_use", "id": call_id(asked, place), "name": name, "input": {} });
        let deltas = pieces(arguments);
        let deltas =
            deltas.iter().map(|json| json!({ "type": "input_json_delta", "partial_json": json }));
        frames.extend(block(index, &start, deltas));
        index += 1;
    }
    let reason = if saying.calls.is_empty() { "end_turn" } else { "tool_use" };
    frames.push(event(
        "message_delta",
        &json!({
            "type": "message_delta",
            "delta": { "stop_reason": reason, "stop_sequence": null },
            "usage": { "output_tokens": usage.output.get() },
        }),
    ));
    frames.push(event("message_stop", &json!({ "type": "message_stop" })));
    frames
}

fn block(index: u32, start: &Value, deltas: impl Iterator<Item = Value>) -> Vec<String> {
    let mut frames = vec![event(
        "content_block_start",
        &json!({ "type": "content_block_start", "index": index, "content_block": start }),
    )];
    frames.extend(deltas.map(|delta| {
        let delta = json!({ "type": "content_block_delta", "index": index, "delta": delta });
        event("content_block_delta", &delta)
    }));
    let stop = json!({ "type": "content_block_stop", "index": index });
    frames.push(event("content_block_stop", &stop));
    frames
}
