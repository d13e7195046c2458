//! OpenAI Responses: typed events, one output item after another.

use serde_json::{Value, json};

use super::{MODEL, call_id, event, pieces};
use crate::scripted_server::{Asked, Saying};

pub(super) fn frames(asked: &Asked, saying: &Saying) -> Vec<String> {
    let id = format!("resp_{}", asked.number);
    let mut events = vec![json!({ "type": "response.created", "response": {
        "id": id, "object": "response", "status": "in_progress", "model": MODEL, "output": [], "usage": null,
    } })];
    let mut index = 0;
    if !saying.text.is_empty() {
        said(index, &saying.text, &mut events);
        index += 1;
    }
    for (place, (name, arguments)) in saying.calls.iter().enumerate() {
        let item = json!({
            "id": format!("fc_{place}"), "type": "function_call", "call_id": call_id(asked, place), "name": name,
            "arguments": arguments,
        });
        called(index, &item, arguments, &mut events);
        index += 1;
    }
    let usage = &saying.usage;
    events.push(json!({ "type": "response.completed", "response": {
        "id": id, "object": "response", "status": "completed", "model": MODEL, "usage": {
            "input_tokens": usage.input.get(),
            "input_tokens_details": { "cached_tokens": usage.cached.get() },
            "output_tokens": usage.output.get(),
            "output_tokens_details": { "reasoning_tokens": usage.reasoning.get() },
            "total_tokens": usage.total().get(),
        },
    } }));
    let named = |value: &Value| {
        let name = value.get("type").and_then(Value::as_str).unwrap_or_default();
        event(name, value)
    };
    events.iter().map(named).collect()
}

fn said(index: u32, text: &str, events: &mut Vec<Value>) {
    let item = |status: &str, content: Value| json!({ "id": "msg_0", "type": "message", "status": status, "role": "assistant", "content": content });
    events.push(json!({
        "type": "response.output_item.added", "output_index": index, "item": item("in_progress", json!([])),
    }));
    events.extend(pieces(text).into_iter().map(|delta| {
        json!({
            "type": "response.output_text.delta", "item_id": "msg_0", "output_index": index, "content_index": 0,
            "delta": delta,
        })
    }));
    let content = json!([{ "type": "output_text", "text": text }]);
    events.push(json!({
        "type": "response.output_item.done", "output_index": index, "item": item("completed", content),
    }));
}

fn called(index: u32, item: &Value, arguments: &str, events: &mut Vec<Value>) {
    let mut begun = item.clone();
    begun["arguments"] = json!("");
    events.push(
        json!({ "type": "response.output_item.added", "output_index": index, "item": begun }),
    );
    events.extend(pieces(arguments).into_iter().map(|delta| {
        json!({ "type": "response.function_call_arguments.delta", "output_index": index, "delta": delta })
    }));
    events.push(json!({
        "type": "response.function_call_arguments.done", "output_index": index, "arguments": arguments,
    }));
    events
        .push(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
}
