use std::sync::Arc;

use bottega_llm::{Assembler, ChatRequest, ErrorKind, OutputFormat, ToolChoice};
use serde_json::json;

use crate::Protocol::Gemini;
use crate::fixture::{
    check_cut, check_request, check_stream, conversation, schema, settings, tools, written,
};

#[test]
fn streams_are_read() {
    for name in ["text", "thoughts_and_parallel_calls", "blocked", "malformed_call", "error"] {
        check_stream(Gemini, name);
    }
    check_cut(Gemini, "thoughts_and_parallel_calls");
}

#[test]
fn requests_are_written() {
    check_request(Gemini, "request_conversation", &conversation("gemini-3.8-flash", "gemini|c2ln"));
    let mut request = settings("gemini-3.8-flash");
    request.output = OutputFormat::JsonSchema { name: "thing".into(), schema: schema() };
    check_request(Gemini, "request_settings_level", &request);
    check_request(Gemini, "request_settings_budget", &settings("gemini-2.5-pro"));
}

#[test]
fn proofs_go_back_on_the_parts_they_came_with() {
    let dialect = Gemini.dialect();
    let mut reader =
        crate::stream::Reader::new(dialect.framing(), dialect.decoder("asked-model", 7));
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/gemini/thoughts_and_parallel_calls.sse"
    );
    reader.push(&std::fs::read(path).unwrap());
    reader.close();
    let mut assembler = Assembler::default();
    for event in reader.ready {
        assembler.push(event.unwrap()).unwrap();
    }
    let answer = assembler.finish().unwrap();
    let request = ChatRequest::new("gemini-3.8-flash", vec![Arc::new(answer.message)]);
    let body = written(Gemini, &request).unwrap();
    assert_eq!(
        body["contents"][0]["parts"],
        json!([
            { "text": "I read both." },
            { "functionCall": { "id": "fc1", "name": "read_file", "args": { "path": "a.rs" } }, "thoughtSignature": "c2lnMQ==" },
            { "functionCall": { "name": "grep", "args": {} } },
        ])
    );
}

#[test]
fn a_call_from_elsewhere_goes_without_proof_where_one_is_demanded() {
    let part = |model: &str| {
        let body = written(Gemini, &conversation(model, "stranger|x")).unwrap();
        body["contents"][1]["parts"][1].clone()
    };
    assert_eq!(part("gemini-4-argon")["thoughtSignature"], "skip_thought_signature_validator");
    assert!(part("gemini-2.5-flash").get("thoughtSignature").is_none());
}

#[test]
fn the_model_is_part_of_the_path() {
    let path = |model: &str| Gemini.dialect().path(model).0;
    assert_eq!(path("gemini-3.8-flash"), "/v1beta/models/gemini-3.8-flash:streamGenerateContent");
    assert_eq!(path("tunedModels/x"), "/v1beta/tunedModels/x:streamGenerateContent");
}

#[test]
fn a_form_beside_tools_and_a_choice() {
    let mut request = settings("gemini-2.5-pro");
    request.tools = tools();
    request.tool_choice = ToolChoice::Named("grep".into());
    let config = &written(Gemini, &request).unwrap()["toolConfig"]["functionCallingConfig"];
    assert_eq!(*config, json!({ "mode": "ANY", "allowedFunctionNames": ["grep"] }));
    request.output = OutputFormat::JsonObject;
    assert_eq!(written(Gemini, &request).unwrap_err().kind, ErrorKind::Unsupported);
    request.model = "gemini-3.8-flash".into();
    assert!(written(Gemini, &request).is_ok());
}
