use bottega_llm::ErrorKind;
use bottega_providers::{Protocol, build, list_models};
use bottega_types::Secret;

use crate::server::{CANARY, Server, ask, events, model, options};

#[tokio::test]
async fn a_key_that_a_server_repeats_is_not_passed_on() {
    for protocol in Protocol::ALL {
        let server = Server::start().await;
        let model = model(protocol, &server);
        let (events, ()) = tokio::join!(events(&*model), async {
            let body = format!("{{\"error\":{{\"message\":\"wrong key {CANARY}\"}}}}");
            server.call().await.answer("401 Unauthorized", "", body).await;
        });
        let error = events[0].as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Authentication, "{protocol}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        assert!(error.message.contains("[redacted]"));
    }
}

#[tokio::test]
async fn neither_a_stream_nor_options_show_a_secret() {
    let server = Server::start().await;
    let mut options = options(Protocol::ChatCompletions, server.base());
    options.headers.push(("x-token".into(), Secret::new("hdr-canary-12345".into())));
    assert!(!format!("{options:?}").contains("canary"));
    let model = build(&options).unwrap();
    let (answer, ()) = tokio::join!(ask(&*model), async {
        let body = format!("data: {{\"error\":\"{CANARY} and hdr-canary-12345\"}}\n\n");
        server.call().await.answer("200 OK", "", body).await;
    });
    let error = answer.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    options.key = Some(Secret::new(format!("{CANARY}\nx")));
    let error = build(&options).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (server, elsewhere) = (Server::start().await, Server::start().await);
        let model = model(Protocol::Anthropic, &server);
        let target = elsewhere.base();
        let (answer, ()) = tokio::join!(ask(&*model), async {
            let location = format!("location: {target}/v1/messages?key={CANARY}\r\n");
            server.call().await.answer(status, &location, "").await;
        });
        let error = answer.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.message.contains(&target) && !error.message.contains("canary"), "{error}");
        assert!(!elsewhere.had_visitor(), "{status} was followed");
    }
}

#[tokio::test]
async fn a_list_does_not_follow_either() {
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    let options = options(Protocol::Ollama, server.base());
    let (list, ()) = tokio::join!(list_models(&options), async {
        let location = format!("location: {}/\r\n", elsewhere.base());
        server.call().await.answer("302 Found", &location, "").await;
    });
    assert_eq!(list.unwrap_err().kind, ErrorKind::NotFound);
    assert!(!elsewhere.had_visitor());
}
