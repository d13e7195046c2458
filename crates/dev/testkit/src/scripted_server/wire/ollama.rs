//! Ollama: a line of JSON for each piece.

use serde_json::{Value, json};

use super::{MODEL, object, pieces};
use crate::scripted_server::Saying;

pub(super) fn frames(saying: &Saying) -> Vec<String> {
    let line = |message: Value| {
        let line = json!({ "model": MODEL, "created_at": "2026-11-20T10:00:00Z", "message": message, "done": false });
        format!("{line}\n")
    };
    let mut frames: Vec<String> = pieces(&saying.text)
        .into_iter()
        .map(|text| line(json!({ "role": "assistant", "content": text })))
        .collect();
    let calls = saying.calls.iter().map(
        |(name, arguments)| json!({ "function": { "name": name, "arguments": object(arguments) } }),
    );
    let calls: Vec<Value> = calls.collect();
    if !calls.is_empty() {
        frames.push(line(json!({ "role": "assistant", "content": "", "tool_calls": calls })));
    }
    let end = json!({
        "model": MODEL, "created_at": "2026-11-20T10:00:01Z", "message": { "role": "assistant", "content": "" },
        "done": true, "done_reason": "stop", "prompt_eval_count": saying.usage.input.get(),
        "eval_count": saying.usage.output.get(),
    });
    frames.push(format!("{end}\n"));
    frames
}
