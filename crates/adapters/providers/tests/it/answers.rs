use std::sync::Arc;

use bottega_llm::{StreamEvent, Usage};
use bottega_providers::{CapabilityOverride, Protocol, build};
use bottega_types::{Secret, Tokens};
use futures::StreamExt as _;

use crate::server::{CANARY, STREAM, Server, ask, chunk, fixture, model, options, question};

#[track_caller]
fn check_head(head: &str, path: &str, auth: &str) {
    assert!(head.starts_with(&format!("post {path} http/1.1\r\n")), "{head}");
    assert!(head.contains(&format!("\r\n{auth}{CANARY}\r\n")), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
}

#[tokio::test]
async fn every_protocol_is_asked_at_its_place_and_answers() {
    for (protocol, path, auth, name) in [
        (Protocol::Anthropic, "/v1/messages", "x-api-key: ", "text.sse"),
        (Protocol::Responses, "/responses", "authorization: bearer ", "text.sse"),
        (Protocol::ChatCompletions, "/chat/completions", "authorization: bearer ", "text.sse"),
        (
            Protocol::Gemini,
            "/v1beta/models/some-model:streamgeneratecontent?alt=sse",
            "x-goog-api-key: ",
            "text.sse",
        ),
        (Protocol::Ollama, "/api/chat", "authorization: bearer ", "text.ndjson"),
    ] {
        let server = Server::start().await;
        let model = model(protocol, &server);
        let (answer, ()) = tokio::join!(ask(&*model), async {
            let call = server.call().await;
            check_head(&call.head, path, auth);
            assert!(call.body.to_string().contains("Hello?"));
            call.answer("200 OK", "content-type: text/event-stream\r\n", fixture(protocol, name))
                .await;
        });
        let answer = answer.unwrap();
        assert_eq!(answer.message.text(), "Grüße 🌍", "{protocol}");
        assert_eq!(answer.usage.output, Tokens::new(9), "{protocol}");
        assert_ne!(answer.usage, Usage::default(), "{protocol}");
    }
}

#[tokio::test]
async fn events_arrive_while_the_answer_is_still_written() {
    let server = Server::start().await;
    let model = model(Protocol::ChatCompletions, &server);
    let asked = async { model.stream(question()).await.unwrap() };
    let (mut stream, mut call) = tokio::join!(asked, async {
        let mut call = server.call().await;
        call.send(STREAM).await;
        call.send(chunk("data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n")).await;
        call
    });
    assert!(matches!(stream.next().await, Some(Ok(StreamEvent::Started { .. }))));
    assert_eq!(stream.next().await, Some(Ok(StreamEvent::Text("one".into()))));
    call.send(chunk("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))
        .await;
    assert!(matches!(stream.next().await, Some(Ok(StreamEvent::Ended(_)))));
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let server = Server::start().await;
    let model = model(Protocol::Anthropic, &server);
    let asked = async { model.stream(question()).await.unwrap() };
    let (stream, call) = tokio::join!(asked, async {
        let mut call = server.call().await;
        call.send(STREAM).await;
        call.send(chunk("data: {\"type\":\"ping\"}\n\n")).await;
        call
    });
    drop(stream);
    call.closed().await;
}

#[tokio::test]
async fn dropping_the_question_closes_the_connection() {
    let server = Server::start().await;
    let model = model(Protocol::Gemini, &server);
    let call = tokio::select! {
        biased;
        _ = model.stream(question()) => unreachable!("nothing was answered"),
        call = server.call() => call,
    };
    call.closed().await;
}

#[tokio::test]
async fn an_address_without_responses_is_asked_for_completions_from_then_on() {
    let server = Server::start().await;
    let model = model(Protocol::Responses, &server);
    let (answer, ()) = tokio::join!(ask(&*model), async {
        let call = server.call().await;
        assert!(call.head.starts_with("post /responses "));
        call.answer("404 Not Found", "", "{\"detail\":\"Not Found\"}").await;
        completes(&server).await;
    });
    assert_eq!(answer.unwrap().message.text(), "Grüße 🌍");
    let (answer, ()) = tokio::join!(ask(&*model), completes(&server));
    assert_eq!(answer.unwrap().message.text(), "Grüße 🌍");
}

async fn completes(server: &Server) {
    let call = server.call().await;
    assert!(call.head.starts_with("post /chat/completions "), "{}", call.head);
    call.answer("200 OK", "", fixture(Protocol::ChatCompletions, "text.sse")).await;
}

#[tokio::test]
async fn headers_and_corrections_of_the_settings_are_heeded() {
    let server = Server::start().await;
    let mut options = options(Protocol::Ollama, server.base());
    options.headers.push(("X-Team".into(), Secret::new("blue".into())));
    let window =
        CapabilityOverride { context_window: Some(Tokens::new(4096)), ..Default::default() };
    options.capabilities.insert("*".into(), window);
    let model = build(&options).unwrap();
    assert_eq!(model.capabilities("some-model").context_window, Tokens::new(4096));
    let (answer, ()) = tokio::join!(ask(&*model), async {
        let call = server.call().await;
        assert!(call.head.contains("\r\nx-team: blue\r\n"));
        assert_eq!(call.body["options"]["num_ctx"], 4096);
        call.answer("200 OK", "", fixture(Protocol::Ollama, "text.ndjson")).await;
    });
    answer.unwrap();
}

#[tokio::test]
async fn a_second_turn_sends_the_bytes_of_the_first_again() {
    let server = Server::start().await;
    let model = model(Protocol::Anthropic, &server);
    let mut bodies = Vec::new();
    let mut request = (*question()).clone();
    request.conversation = "c".into();
    for _ in 0..2 {
        let asked = Arc::new(request.clone());
        let (stream, body) = tokio::join!(model.stream(asked), async {
            let call = server.call().await;
            let body = serde_json::to_string(&call.body).unwrap();
            call.answer("200 OK", "", fixture(Protocol::Anthropic, "text.sse")).await;
            body
        });
        drop(stream.unwrap());
        bodies.push(body);
        request.messages.push(Arc::new(bottega_llm::Message::assistant("Grüße 🌍")));
    }
    assert!(bodies[1].starts_with(bodies[0].strip_suffix("]}").unwrap()), "{bodies:?}");
}
