use std::sync::Arc;

use bottega_llm::{ChatRequest, Effort, ErrorKind, Message, OutputFormat, Part, Role, ToolChoice};

use crate::Protocol::Ollama;
use crate::fixture::{
    check_cut, check_request, check_stream, conversation, paper, schema, settings, tools, written,
};

#[test]
fn streams_are_read() {
    for name in ["text", "thinking_and_parallel_calls", "error"] {
        check_stream(Ollama, name);
    }
    check_cut(Ollama, "thinking_and_parallel_calls");
}

#[test]
fn requests_are_written() {
    check_request(Ollama, "request_conversation", &conversation("qwen3:8b", "anthropic|m|x"));
    let mut request = settings("gpt-oss:20b");
    request.output = OutputFormat::JsonSchema { name: "thing".into(), schema: schema() };
    check_request(Ollama, "request_settings", &request);
}

#[test]
fn thinking_is_a_switch_for_most_and_a_level_for_some() {
    let think = |model: &str, effort: Effort| {
        let mut request = ChatRequest::new(model, vec![]);
        request.effort = Some(effort);
        written(Ollama, &request).unwrap()["think"].clone()
    };
    assert_eq!(think("qwen3", Effort::Minimal), false);
    assert_eq!(think("qwen3", Effort::High), true);
    assert_eq!(think("gpt-oss:20b", Effort::Minimal), "low");
    assert_eq!(think("library/gpt-oss", Effort::Medium), "medium");
}

#[test]
fn what_the_server_lacks_is_refused() {
    let mut request = ChatRequest::new("m", vec![]);
    request.tools = tools();
    let names = |request: &ChatRequest| -> Vec<String> {
        let body = written(Ollama, request).unwrap();
        let name = |tool: &serde_json::Value| tool["function"]["name"].as_str().unwrap().to_owned();
        body["tools"].as_array().unwrap().iter().map(name).collect()
    };
    let all = names(&request);
    request.tool_choice = ToolChoice::Required;
    assert_eq!(names(&request), all);
    request.tool_choice = ToolChoice::Named(all[0].clone());
    assert_eq!(names(&request), all[..1]);
    request.tool_choice = ToolChoice::None;
    assert!(written(Ollama, &request).unwrap().get("tools").is_none());
    let message = Message { role: Role::User, parts: vec![Part::Media(paper())] };
    let request = ChatRequest::new("m", vec![Arc::new(message)]);
    assert_eq!(written(Ollama, &request).unwrap_err().kind, ErrorKind::Unsupported);
}
