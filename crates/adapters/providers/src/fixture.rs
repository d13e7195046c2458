//! What the tests of every dialect share: recorded streams and the requests they are compared by.

use std::path::PathBuf;
use std::sync::Arc;

use bottega_llm::{
    Assembler, ChatRequest, Media, MediaSource, Message, Part, Role, Sampling, ToolCall,
    ToolDeclaration, ToolResult,
};
use serde_json::{Value, json};

use crate::Protocol;
use crate::dialect::{Setting, body};
use crate::framing::Framing;
use crate::stream::Reader;
use crate::transcript::Transcripts;

fn folder(protocol: Protocol) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(protocol.name())
}

fn snapshot(protocol: Protocol, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder(protocol));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// What a stream of these pieces amounts to, a line per event.
fn read(protocol: Protocol, pieces: &[&[u8]]) -> String {
    let dialect = protocol.dialect();
    let mut reader = Reader::new(dialect.framing(), dialect.decoder("asked-model", 7));
    for piece in pieces {
        reader.push(piece);
    }
    reader.close();
    let lines: Vec<String> = reader
        .ready
        .into_iter()
        .map(|event| match event {
            Ok(event) => format!("{event:?}"),
            Err(error) => format!("{:?}: {}", error.kind, error.message),
        })
        .collect();
    lines.join("\n")
}

/// The recorded stream `name` gives the same events however its bytes are cut, and they are those
/// of the snapshot beside it.
#[track_caller]
pub(crate) fn check_stream(protocol: Protocol, name: &str) {
    let ending = match protocol.dialect().framing() {
        Framing::Events => "sse",
        Framing::Lines => "ndjson",
    };
    let wire = std::fs::read(folder(protocol).join(format!("{name}.{ending}"))).unwrap();
    let whole = read(protocol, &[&wire]);
    for cut in 1..wire.len() {
        let (one, two) = wire.split_at(cut);
        assert_eq!(read(protocol, &[one, two]), whole, "{name} cut at {cut}");
    }
    let single: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(read(protocol, &single), whole, "{name} byte by byte");
    let returns = String::from_utf8(wire.clone()).unwrap().replace('\n', "\r\n");
    assert_eq!(read(protocol, &[returns.as_bytes()]), whole, "{name} with carriage returns");
    snapshot(protocol, name, &whole);
}

/// Every beginning of the recorded stream that lacks its end is no answer.
#[track_caller]
pub(crate) fn check_cut(protocol: Protocol, name: &str) {
    let ending = match protocol.dialect().framing() {
        Framing::Events => "sse",
        Framing::Lines => "ndjson",
    };
    let wire = std::fs::read_to_string(folder(protocol).join(format!("{name}.{ending}"))).unwrap();
    let mut complete = 0;
    for cut in 0..wire.len() {
        let dialect = protocol.dialect();
        let mut reader = Reader::new(dialect.framing(), dialect.decoder("asked-model", 7));
        reader.push(&wire.as_bytes()[..cut]);
        reader.close();
        let mut assembler = Assembler::default();
        let outcome = reader.ready.into_iter().try_for_each(|event| assembler.push(event?));
        match outcome.and_then(|()| assembler.finish()) {
            Ok(_) => complete += 1,
            Err(error) => {
                assert_eq!(error.kind, bottega_llm::ErrorKind::CutOff, "{name} ends at {cut}");
                assert_eq!(complete, 0, "{name} is complete before {cut} and not at it");
            }
        }
    }
}

/// The body of `request` is that of the snapshot `name`.
#[track_caller]
pub(crate) fn check_request(protocol: Protocol, name: &str, request: &ChatRequest) {
    let value = written(protocol, request).unwrap();
    snapshot(protocol, name, &serde_json::to_string_pretty(&value).unwrap());
}

/// The body of `request`, or why there is none.
pub(crate) fn written(
    protocol: Protocol,
    request: &ChatRequest,
) -> Result<Value, bottega_llm::ModelError> {
    let dialect = protocol.dialect();
    let setting = Setting { capabilities: dialect.capabilities(&request.model), at_openai: false };
    let body = body(dialect, &Transcripts::default(), request, setting)?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn picture() -> Media {
    Media {
        media_type: "image/png".into(),
        name: None,
        source: MediaSource::Base64("iVBORw0KGgo=".into()),
    }
}

fn notes() -> Media {
    Media {
        media_type: "text/markdown".into(),
        name: Some("notes.md".into()),
        source: MediaSource::Base64("IyBOb3Rlcw==".into()),
    }
}

/// A PDF that says nothing.
pub(crate) fn paper() -> Media {
    Media {
        media_type: "application/pdf".into(),
        name: Some("paper.pdf".into()),
        source: MediaSource::Base64("JVBERi0=".into()),
    }
}

/// Two tools.
pub(crate) fn tools() -> Arc<[ToolDeclaration]> {
    let tool = |name: &str, description: &str, argument: &str| ToolDeclaration {
        name: name.into(),
        description: description.into(),
        input_schema: json!({
            "type": "object",
            "properties": { argument: { "type": "string" } },
            "required": [argument],
        }),
    };
    Arc::new([tool("read_file", "Reads a file.", "path"), tool("grep", "Searches.", "pattern")])
}

/// A conversation with every kind of part. `proof` is a signature of the protocol's own.
pub(crate) fn conversation(model: &str, proof: &str) -> ChatRequest {
    let call = |id: &str, name: &str, arguments: &str| {
        Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
    };
    let reasoning = |text: &str, signature: &str| Part::Reasoning {
        text: text.into(),
        signature: Some(signature.into()),
    };
    let result = |id: &str, name: &str, text: &str, media: Vec<Media>, is_error: bool| ToolResult {
        call_id: id.into(),
        name: name.into(),
        text: text.into(),
        media,
        is_error,
    };
    let messages = vec![
        Message {
            role: Role::User,
            parts: vec![
                Part::text("What is wrong here?"),
                Part::Media(picture()),
                Part::Media(notes()),
            ],
        },
        Message {
            role: Role::Assistant,
            parts: vec![
                reasoning("I should look.", proof),
                reasoning("not yours", "stranger|proof"),
                Part::text("I look."),
                call("call_1", "read_file", "{\"path\": \"a.rs\",\n \"big\": 1.50}"),
                call("call:2", "grep", "{\"pattern\":"),
            ],
        },
        Message::results(vec![
            result("call_1", "read_file", "fn a() {}", vec![picture()], false),
            result("call:2", "grep", "the arguments are no JSON", vec![], true),
        ]),
        Message::assistant("Mended."),
        Message::user("Thanks. And now?"),
    ];
    let mut request = ChatRequest::new(model, messages.into_iter().map(Arc::new).collect());
    request.system = "You mend code.".into();
    request.tools = tools();
    request.conversation = "ses_1".into();
    request
}

/// A question with every setting that all protocols have.
pub(crate) fn settings(model: &str) -> ChatRequest {
    let mut request = ChatRequest::new(model, vec![Arc::new(Message::user("Name one."))]);
    request.sampling =
        Sampling { temperature: Some(1.5), top_p: Some(0.9), top_k: Some(40), seed: Some(11) };
    request.max_output = Some(4096);
    request.effort = Some(bottega_llm::Effort::High);
    request
}

/// A schema that is not strict: one property is optional, one is bounded.
pub(crate) fn schema() -> Arc<Value> {
    Arc::new(json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "minLength": 1 },
            "size": { "type": "integer" },
        },
        "required": ["name"],
    }))
}
