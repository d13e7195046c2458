use std::sync::Arc;

use bottega_llm::{
    Assembler, ChatRequest, ErrorKind, Media, MediaSource, Message, OutputFormat, Part, Role,
};
use serde_json::json;

use super::models::capabilities;
use crate::Protocol::ChatCompletions;
use crate::dialect::{Setting, body};
use crate::fixture::{
    check_cut, check_request, check_stream, conversation, schema, settings, written,
};
use crate::transcript::Transcripts;

#[test]
fn streams_are_read() {
    for name in [
        "text",
        "reasoning_and_parallel_calls",
        "reasoning_details",
        "careless_server",
        "no_done",
        "error",
        "upstream_error",
    ] {
        check_stream(ChatCompletions, name);
    }
    check_cut(ChatCompletions, "reasoning_and_parallel_calls");
}

#[test]
fn requests_are_written() {
    let request = conversation("qwen3", "chat|reasoning_content");
    check_request(ChatCompletions, "request_conversation", &request);
    let mut request = settings("qwen3");
    request.output = OutputFormat::JsonSchema { name: "thing".into(), schema: schema() };
    request.stop = vec!["END".into()];
    check_request(ChatCompletions, "request_settings", &request);
}

#[test]
fn openai_itself_is_asked_in_its_own_words() {
    let mut request = settings("gpt-5.6");
    request.conversation = "ses_1".into();
    let dialect = ChatCompletions.dialect();
    let setting = Setting { capabilities: capabilities("gpt-5.6"), at_openai: true };
    let body = body(dialect, &Transcripts::default(), &request, setting).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["max_completion_tokens"], 4096);
    assert_eq!(body["prompt_cache_key"], "ses_1");
    for absent in ["max_tokens", "top_k", "temperature", "top_p"] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn details_of_reasoning_go_back_as_they_came() {
    let mut reader = crate::stream::Reader::new(
        ChatCompletions.dialect().framing(),
        ChatCompletions.dialect().decoder("asked-model", 7),
    );
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/chat-completions/reasoning_details.sse"
    );
    reader.push(&std::fs::read(path).unwrap());
    reader.close();
    let mut assembler = Assembler::default();
    for event in reader.ready {
        assembler.push(event.unwrap()).unwrap();
    }
    let answer = assembler.finish().unwrap();
    let request = ChatRequest::new("m", vec![Arc::new(answer.message)]);
    let message = &written(ChatCompletions, &request).unwrap()["messages"][0];
    assert_eq!(
        message["reasoning_details"],
        json!([{ "type": "reasoning.text", "text": "Let me see.", "format": "f1", "index": 0, "signature": "sig" }])
    );
    assert!(message.get("reasoning").is_none());
}

#[test]
fn a_document_by_address_is_refused() {
    let media = Media {
        media_type: "application/pdf".into(),
        name: None,
        source: MediaSource::Url("https://a.example/x.pdf".into()),
    };
    let message = Message { role: Role::User, parts: vec![Part::Media(media)] };
    let request = ChatRequest::new("m", vec![Arc::new(message)]);
    assert_eq!(written(ChatCompletions, &request).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn resold_models_are_known_and_unknown_ones_believed_little_of() {
    assert_eq!(capabilities("anthropic/claude-sonnet-4.5").context_window.get(), 200_000);
    assert!(capabilities("openai/gpt-5.6").images);
    let unknown = capabilities("my-finetune-7b");
    assert!(unknown.small && !unknown.images && !unknown.native_schema && unknown.tools);
}
