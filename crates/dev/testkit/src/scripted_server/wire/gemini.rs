//! Gemini: whole parts in each event.

use serde_json::{Value, json};

use super::{MODEL, data, object, pieces};
use crate::scripted_server::Saying;

pub(super) fn frames(saying: &Saying) -> Vec<String> {
    let event = |parts: Value, reason: Option<&str>| {
        let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
        if let Some(reason) = reason {
            candidate["finishReason"] = json!(reason);
        }
        let usage = &saying.usage;
        data(&json!({
            "candidates": [candidate],
            "usageMetadata": {
                "promptTokenCount": usage.input.get(),
                "candidatesTokenCount": usage.output.get(),
                "totalTokenCount": usage.total().get(),
                "cachedContentTokenCount": usage.cached.get(),
            },
            "modelVersion": MODEL,
            "responseId": "r0",
        }))
    };
    let mut frames: Vec<String> = pieces(&saying.text)
        .into_iter()
        .map(|text| event(json!([{ "text": text }]), None))
        .collect();
    let calls = saying.calls.iter().map(
        |(name, arguments)| json!({ "functionCall": { "name": name, "args": object(arguments) } }),
    );
    let calls: Vec<Value> = calls.collect();
    if !calls.is_empty() {
        frames.push(event(Value::Array(calls), None));
    }
    frames.push(event(json!([{ "text": "" }]), Some("STOP")));
    frames
}
