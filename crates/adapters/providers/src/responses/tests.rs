use bottega_llm::{ErrorKind, OutputFormat, ToolChoice};
use serde_json::json;

use super::models::FAMILIES;
use crate::Protocol::Responses;
use crate::fixture::{
    check_cut, check_request, check_stream, conversation, schema, settings, written,
};

#[test]
fn streams_are_read() {
    for name in ["text", "reasoning_and_parallel_calls", "incomplete", "failed", "error"] {
        check_stream(Responses, name);
    }
    check_cut(Responses, "reasoning_and_parallel_calls");
}

#[test]
fn requests_are_written() {
    let request = conversation("gpt-5.6", "openai:ZW5jcnlwdGVk");
    check_request(Responses, "request_conversation", &request);
    check_request(Responses, "request_settings_reasoning", &settings("gpt-5.6-sol"));
    check_request(Responses, "request_settings_plain", &settings("gpt-4.1"));
}

#[test]
fn a_schema_is_strict_only_when_it_can_be() {
    let mut request = settings("gpt-4.1");
    request.output = OutputFormat::JsonSchema { name: "thing".into(), schema: schema() };
    let body = written(Responses, &request).unwrap();
    assert_eq!(body["text"]["format"]["strict"], false);
    assert_eq!(body["text"]["format"]["schema"], *schema());
    request.output = OutputFormat::JsonObject;
    let body = written(Responses, &request).unwrap();
    assert_eq!(body["text"]["format"], json!({ "type": "json_object" }));
}

#[test]
fn a_named_tool_is_chosen_and_stop_texts_are_refused() {
    let mut request = conversation("gpt-5", "");
    request.tool_choice = ToolChoice::Named("grep".into());
    let body = written(Responses, &request).unwrap();
    assert_eq!(body["tool_choice"], json!({ "type": "function", "name": "grep" }));
    request.stop = vec!["END".into()];
    assert_eq!(written(Responses, &request).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn a_long_name_is_cut_to_a_key() {
    let mut request = conversation("gpt-5", "");
    request.conversation = "ü".repeat(60).into();
    let body = written(Responses, &request).unwrap();
    assert_eq!(body["prompt_cache_key"].as_str().unwrap().len(), 64);
}

#[test]
fn every_family_fits_its_window() {
    for family in FAMILIES {
        assert!(family.output <= family.window, "{}", family.prefix);
    }
}
