use std::time::Duration;

use bottega_llm::ErrorKind;
use bottega_providers::{Protocol, is_running, list_models};

use crate::server::{Server, options};

#[tokio::test]
async fn models_are_listed_by_the_names_that_requests_take() {
    for (protocol, path, body) in [
        (Protocol::Ollama, "/api/tags", r#"{"models":[{"name":"qwen3:8b"},{"name":"b"}]}"#),
        (Protocol::ChatCompletions, "/models", r#"{"data":[{"id":"qwen3:8b"},{"id":"b"}]}"#),
        (
            Protocol::Gemini,
            "/v1beta/models",
            r#"{"models":[{"name":"models/qwen3:8b"},{"name":"b"}]}"#,
        ),
        (Protocol::Anthropic, "/v1/models", r#"{"data":[{"id":"qwen3:8b"},{"id":"b"}]}"#),
    ] {
        let server = Server::start().await;
        let options = options(protocol, server.base());
        let (names, ()) = tokio::join!(list_models(&options), async {
            let call = server.call().await;
            assert!(call.head.starts_with(&format!("get {path}")), "{}", call.head);
            call.answer("200 OK", "", body).await;
        });
        assert_eq!(names.unwrap(), ["qwen3:8b", "b"], "{protocol}");
    }
}

#[tokio::test]
async fn a_list_that_is_none_is_garbled() {
    let server = Server::start().await;
    let options = options(Protocol::ChatCompletions, server.base());
    let (names, ()) = tokio::join!(list_models(&options), async {
        server.call().await.answer("200 OK", "", "<html>").await;
    });
    assert_eq!(names.unwrap_err().kind, ErrorKind::Garbled);
}

#[tokio::test]
async fn a_server_runs_or_not() {
    let patience = Duration::from_secs(30);
    let server = Server::start().await;
    let base = server.base();
    let (runs, ()) = tokio::join!(is_running(&base, patience), async {
        let call = server.call().await;
        assert!(call.head.starts_with("get /api/version "));
        call.answer("200 OK", "", r#"{"version":"0.40.12"}"#).await;
    });
    assert!(runs);
    drop(server);
    assert!(!is_running(&base, patience).await);
    assert!(!is_running("not a host", patience).await);
    let silent = Server::start().await;
    assert!(!is_running(&silent.base(), Duration::from_millis(50)).await);
}
