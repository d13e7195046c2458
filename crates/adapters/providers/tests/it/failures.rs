use std::time::Duration;

use bottega_llm::{ErrorKind, ModelError, Retry, StreamEvent};
use bottega_providers::{Protocol, build};

use crate::server::{STREAM, Server, ask, chunk, events, fixture, model, options};

async fn refused(status: &str, headers: &str, body: &str) -> ModelError {
    let server = Server::start().await;
    let model = model(Protocol::Anthropic, &server);
    let (answer, ()) = tokio::join!(ask(&*model), async {
        server.call().await.answer(status, headers, body).await;
    });
    answer.unwrap_err()
}

#[tokio::test]
async fn a_limit_says_when_to_come_back() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
    let error = refused("429 Too Many Requests", "retry-after: 7\r\n", body).await;
    assert_eq!(error.kind, ErrorKind::RateLimited);
    assert_eq!(error.message, "slow down");
    assert_eq!(error.status, Some(429));
    assert_eq!(error.retry(), Retry::After(Some(Duration::from_secs(7))));
    let dates =
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:40 GMT\r\n";
    let error = refused("529 Overloaded", dates, "").await;
    assert_eq!(error.kind, ErrorKind::Overloaded);
    assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn refusals_keep_their_meaning() {
    for (status, body, kind) in [
        ("500 Internal Server Error", "", ErrorKind::Overloaded),
        ("401 Unauthorized", "{}", ErrorKind::Authentication),
        ("403 Forbidden", "{}", ErrorKind::Permission),
        ("404 Not Found", "{}", ErrorKind::NotFound),
        (
            "400 Bad Request",
            r#"{"error":{"message":"prompt is too long"}}"#,
            ErrorKind::ContextOverflow,
        ),
        (
            "400 Bad Request",
            r#"{"error":{"message":"your credit balance is too low"}}"#,
            ErrorKind::QuotaExhausted,
        ),
        (
            "400 Bad Request",
            r#"{"error":{"message":"messages: must alternate"}}"#,
            ErrorKind::InvalidRequest,
        ),
    ] {
        assert_eq!(refused(status, "", body).await.kind, kind, "{status} {body}");
    }
}

#[tokio::test]
async fn an_answer_without_its_end_is_cut_off_in_every_protocol() {
    for protocol in Protocol::ALL {
        let ending = if protocol == Protocol::Ollama { "ndjson" } else { "sse" };
        let whole = fixture(protocol, &format!("text.{ending}"));
        let half = &whole[..whole.len() / 2];
        // Closed in good order, and in the middle of what was announced.
        for announced in [half.len(), whole.len()] {
            let server = Server::start().await;
            let model = model(protocol, &server);
            let (events, ()) = tokio::join!(events(&*model), async {
                let mut call = server.call().await;
                call.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {announced}\r\n\r\n")).await;
                call.send(half).await;
            });
            let last = events.last().unwrap().as_ref().unwrap_err();
            assert_eq!(last.kind, ErrorKind::CutOff, "{protocol} {last:?}");
            assert_eq!(events.iter().filter(|event| event.is_err()).count(), 1, "{protocol}");
        }
    }
}

#[tokio::test]
async fn silence_ends_in_a_timeout_before_and_within_the_answer() {
    for head in ["", STREAM] {
        let server = Server::start().await;
        let mut options = options(Protocol::ChatCompletions, server.base());
        options.idle_timeout = Duration::from_millis(100);
        let model = build(&options).unwrap();
        let (events, ()) = tokio::join!(events(&*model), async {
            let mut call = server.call().await;
            call.send(head).await;
            call.closed().await;
        });
        let error = events.last().unwrap().as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout, "{error:?}");
    }
}

#[tokio::test]
async fn what_no_provider_says_is_garbled() {
    for (headers, body) in [
        ("", b"data: {\"choices\": 7}\n\n".as_slice()),
        ("", b"data: not json\n\n"),
        ("", b"data: \xff\xfe\n\n"),
        ("content-type: text/html\r\n", b"<html>\n\nPlease log in\n\n</html>"),
        ("content-type: application/json\r\n", b"{\"choices\":[]}"),
    ] {
        let server = Server::start().await;
        let model = model(Protocol::ChatCompletions, &server);
        let (answer, ()) = tokio::join!(ask(&*model), async {
            server.call().await.answer("200 OK", headers, body).await;
        });
        assert_eq!(answer.unwrap_err().kind, ErrorKind::Garbled);
    }
}

#[tokio::test]
async fn an_error_with_a_good_status_is_an_error() {
    let server = Server::start().await;
    let model = model(Protocol::ChatCompletions, &server);
    let (answer, ()) = tokio::join!(ask(&*model), async {
        let body = r#"{"error":"Unexpected endpoint or method."}"#;
        server.call().await.answer("200 OK", "content-type: application/json\r\n", body).await;
    });
    let error = answer.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidRequest);
    assert_eq!(error.message, "Unexpected endpoint or method.");
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it() {
    let server = Server::start().await;
    let model = model(Protocol::Anthropic, &server);
    let (events, ()) = tokio::join!(events(&*model), async {
        let mut call = server.call().await;
        call.send(STREAM).await;
        let wire = String::from_utf8(fixture(Protocol::Anthropic, "overloaded.sse")).unwrap();
        call.send(chunk(&wire)).await;
        call.closed().await;
    });
    assert!(matches!(events[0], Ok(StreamEvent::Started { .. })));
    assert_eq!(events.last().unwrap().as_ref().unwrap_err().kind, ErrorKind::Overloaded);
}

#[tokio::test]
async fn nobody_at_the_address_is_a_network_error() {
    let base = Server::start().await.base();
    let model = build(&options(Protocol::Ollama, base.clone())).unwrap();
    let error = ask(&*model).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network);
    assert!(error.message.contains(&base), "{}", error.message);
}
