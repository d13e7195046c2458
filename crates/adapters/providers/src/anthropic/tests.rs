use std::sync::Arc;

use bottega_llm::{ChatRequest, Effort, ErrorKind, Message, OutputFormat, Part, ToolChoice};
use serde_json::json;

use super::models::FAMILIES;
use crate::Protocol::Anthropic;
use crate::fixture::{
    check_cut, check_request, check_stream, conversation, paper, schema, settings, tools, written,
};

const MODEL: &str = "claude-opus-4-6";

#[test]
fn streams_are_read() {
    for name in ["text", "thinking_and_parallel_calls", "overloaded", "refused"] {
        check_stream(Anthropic, name);
    }
    check_cut(Anthropic, "thinking_and_parallel_calls");
}

#[test]
fn a_conversation_is_written() {
    check_request(
        Anthropic,
        "request_conversation",
        &conversation(MODEL, &format!("anthropic|{MODEL}|c2lnbmVk")),
    );
}

#[test]
fn settings_are_written_as_the_model_takes_them() {
    for (name, model) in [
        ("request_settings_adaptive", MODEL),
        ("request_settings_budget", "claude-sonnet-4-5"),
        ("request_settings_always", "claude-opus-5-5"),
        ("request_settings_unknown", "some-gateway-model"),
    ] {
        check_request(Anthropic, name, &settings(model));
    }
}

#[test]
fn a_schema_is_closed_and_words_replace_a_bare_object() {
    let mut request = settings("claude-sonnet-5-5");
    request.output = OutputFormat::JsonSchema { name: "thing".into(), schema: schema() };
    check_request(Anthropic, "request_schema", &request);
    request.output = OutputFormat::JsonObject;
    let body = written(Anthropic, &request).unwrap();
    assert!(body["system"][0]["text"].as_str().unwrap().contains("JSON object"));
    request.model = "claude-3-5-sonnet".into();
    request.output = OutputFormat::JsonSchema { name: "thing".into(), schema: schema() };
    assert_eq!(written(Anthropic, &request).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn a_forced_call_goes_where_thinking_allows_it() {
    let mut request = ChatRequest::new("claude-opus-5-5", vec![]);
    request.tools = tools();
    request.tool_choice = ToolChoice::Required;
    request.effort = Some(Effort::Low);
    assert_eq!(written(Anthropic, &request).unwrap_err().kind, ErrorKind::Unsupported);
    for (model, thinking) in
        [("claude-opus-5", json!({ "type": "disabled" })), (MODEL, json!(null))]
    {
        request.model = model.into();
        let body = written(Anthropic, &request).unwrap();
        assert_eq!(body["tool_choice"], json!({ "type": "any" }), "{model}");
        assert_eq!(body["thinking"], thinking, "{model}");
    }
}

#[test]
fn nothing_is_kept_unless_another_turn_follows() {
    let mut request = conversation(MODEL, "");
    request.cache = bottega_llm::CacheHint::Nothing;
    assert!(!written(Anthropic, &request).unwrap().to_string().contains("cache_control"));
}

#[test]
fn a_proof_goes_back_to_its_model_only_and_documents_go_along() {
    let parts = vec![
        Part::Reasoning { text: String::new(), signature: Some("anthropic-redacted|a|x|y".into()) },
        Part::Media(paper()),
    ];
    let message = Arc::new(Message { role: bottega_llm::Role::Assistant, parts });
    let content = |model: &str| {
        let body = written(Anthropic, &ChatRequest::new(model, vec![Arc::clone(&message)]));
        body.unwrap()["messages"][0]["content"].clone()
    };
    assert_eq!(content("a")[0], json!({ "type": "redacted_thinking", "data": "x|y" }));
    assert_eq!(content("b")[0]["type"], "document");
    assert_eq!(content("b")[0]["title"], "paper.pdf");
}

#[test]
fn every_family_fits_its_window() {
    for family in FAMILIES {
        assert!(family.output < family.window, "{}", family.prefix);
    }
}
