use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// Every path, with a conversation in which the model has answered once, and the body's field for it.
fn questions() -> [(&'static str, Value); 5] {
    let plain = json!({ "messages": [
        { "role": "user", "content": "Hello?" },
        { "role": "assistant", "content": "Yes." },
        { "role": "user", "content": "And now?" },
    ] });
    [
        ("/v1/messages", plain.clone()),
        (
            "/v1/responses",
            json!({ "input": [
                { "role": "user", "content": [{ "type": "input_text", "text": "Hello?" }] },
                { "role": "assistant", "content": "Yes." },
                { "type": "function_call", "call_id": "c" },
                { "role": "user", "content": [{ "type": "input_text", "text": "And now?" }] },
            ] }),
        ),
        ("/v1/chat/completions", plain.clone()),
        (
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            json!({ "contents": [
                { "role": "user", "parts": [{ "text": "Hello?" }] },
                { "role": "model", "parts": [{ "text": "Yes." }] },
                { "role": "user", "parts": [{ "text": "And now?" }] },
            ] }),
        ),
        ("/api/chat", plain),
    ]
}

/// Sends a request and reads until the server closes.
fn post(server: &ScriptedServer, path: &str, body: &Value) -> String {
    let mut socket = connect(server, path, body);
    let mut answer = Vec::new();
    // A cut connection may end in an error; what came before it counts.
    socket.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

fn connect(server: &ScriptedServer, path: &str, body: &Value) -> TcpStream {
    let body = body.to_string();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    write!(
        socket,
        "POST {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    socket
}

#[test]
fn each_protocol_is_served_the_answer_of_its_turn() {
    let turns =
        [Saying::text("Yes."), Saying::text("I look.").and_call("grep", "{\"pattern\":\"x\"}")];
    let server = ScriptedServer::of_turns(turns).unwrap();
    for (number, (path, body)) in questions().into_iter().enumerate() {
        let answer = post(&server, path, &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(answer.contains("grep") && answer.contains("I l"), "{path}: {answer}");
        let asked = server.asked();
        let asked = asked.last().unwrap();
        assert_eq!(asked.protocol, WireProtocol::ALL[number]);
        assert_eq!((asked.turn, asked.said().as_str()), (1, "And now?"), "{path}");
        assert_eq!(server.wait_for_close(number, PATIENCE), Some(Close::Whole), "{path}");
    }
}

#[test]
fn the_conversation_is_known_by_its_bytes() {
    let server = ScriptedServer::of_turns([Saying::text("Yes.")]).unwrap();
    post(
        &server,
        "/v1/messages",
        &json!({ "messages": [{ "role": "user", "content": "[\"]" }], "x": [] }),
    );
    let asked = server.asked();
    assert_eq!(asked[0].conversation_bytes(), br#"{"role":"user","content":"[\"]"}"#);
}

#[test]
fn it_fails_where_the_script_says_so() {
    let answer = Saying::text("A long answer.");
    let servings = [
        (0, Serving::busy(7)),
        (1, Serving::Overflow),
        (2, Serving::Cut { answer: answer.clone(), after: 40 }),
        (3, Serving::Garbage(b"no frame".to_vec())),
    ];
    let server = ScriptedServer::of_turns_with([answer], servings).unwrap();
    let ask = || post(&server, "/v1/messages", &json!({ "messages": [] }));

    let busy = ask();
    assert!(busy.starts_with("HTTP/1.1 429") && busy.contains("retry-after: 7"), "{busy}");
    let overflow = ask();
    assert!(
        overflow.starts_with("HTTP/1.1 400") && overflow.contains("prompt is too long"),
        "{overflow}"
    );
    let cut = ask();
    assert!(cut.contains("event: message_start") && !cut.contains("message_stop"), "{cut}");
    assert_eq!(server.wait_for_close(2, PATIENCE), Some(Close::Cut));
    assert!(ask().contains("no frame"));
    assert!(ask().contains("message_stop"));
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let server = ScriptedServer::start(|_| Serving::silence()).unwrap();
    let socket = connect(&server, "/api/chat", &json!({ "messages": [] }));
    assert!(server.wait_for_questions(1, PATIENCE));
    assert_eq!(server.close(0), None);
    drop(socket);
    assert_eq!(server.wait_for_close(0, PATIENCE), Some(Close::Left));
}

#[test]
fn what_is_no_question_is_answered_apart() {
    let server = ScriptedServer::of_turns([]).unwrap();
    assert!(post(&server, "/api/tags", &json!({})).contains("scripted"));
    assert!(post(&server, "/nowhere", &json!({})).starts_with("HTTP/1.1 404"));
    assert_eq!(server.other_requests(), ["POST /api/tags", "POST /nowhere"]);
    assert!(server.asked().is_empty());
}
