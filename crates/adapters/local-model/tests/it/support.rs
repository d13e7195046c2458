//! The test model, and requests to it.

pub(crate) mod server;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bottega_llm::{
    Answer, Assembler, ChatModel as _, ChatRequest, EventStream, Message, Sampling, StreamEvent,
    ToolDeclaration,
};
use bottega_local_model::{Engine, EngineOptions};
use futures::StreamExt as _;
use serde_json::json;

/// The small model that engine tests run on.
#[expect(clippy::disallowed_methods, reason = "tests are told where the test model is")]
pub(crate) fn model() -> PathBuf {
    let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/models/smollm2-135m.gguf");
    let path = std::env::var_os("BOTTEGA_TEST_MODEL").map_or_else(|| usual.into(), PathBuf::from);
    assert!(
        path.exists(),
        "the test model is not at {}: run `cargo xtask test`, which fetches it, or name its file in BOTTEGA_TEST_MODEL",
        path.display()
    );
    path
}

pub(crate) fn options() -> EngineOptions {
    EngineOptions { threads: Some(1), window: 2048, ..EngineOptions::new("smollm2", model()) }
}

pub(crate) fn engine(options: EngineOptions) -> Engine {
    Engine::new(options).unwrap()
}

/// One engine for the tests that don't mind what others asked it.
pub(crate) fn shared() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| engine(options()))
}

/// A request whose answer is the likeliest and short.
pub(crate) fn request(messages: Vec<Message>) -> ChatRequest {
    let mut request = ChatRequest::new("smollm2", messages.into_iter().map(Arc::new).collect());
    request.sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
    request.max_output = Some(48);
    request.system = "You help with code.".into();
    request
}

pub(crate) fn tools() -> Arc<[ToolDeclaration]> {
    let tool = |name: &str, description: &str, properties: serde_json::Value| ToolDeclaration {
        name: name.into(),
        description: description.into(),
        input_schema: json!({
            "type": "object", "properties": properties, "required": ["path"],
        }),
    };
    Arc::new([
        tool("read_file", "Reads a file.", json!({"path": {"type": "string", "maxLength": 20}})),
        tool(
            "list_files",
            "Lists a folder.",
            json!({
                "path": {"type": "string", "maxLength": 20},
                "depth": {"type": "integer", "minimum": 1, "maximum": 3},
            }),
        ),
    ])
}

/// A request whose answer goes on until something stops it.
pub(crate) fn endless() -> ChatRequest {
    let mut request = request(vec![Message::user("Numbers, please.")]);
    request.max_output = None;
    request.output = bottega_llm::OutputFormat::JsonSchema {
        name: "numbers".into(),
        schema: Arc::new(json!({"type": "array", "items": {"type": "integer"}, "minItems": 4000})),
    };
    request
}

pub(crate) async fn events(stream: EventStream) -> Vec<StreamEvent> {
    stream.map(Result::unwrap).collect().await
}

pub(crate) async fn ask(engine: &Engine, request: &ChatRequest) -> Answer {
    let stream = engine.stream(Arc::new(request.clone())).await.unwrap();
    let mut assembler = Assembler::default();
    for event in events(stream).await {
        assembler.push(event).unwrap();
    }
    assembler.finish().unwrap()
}
