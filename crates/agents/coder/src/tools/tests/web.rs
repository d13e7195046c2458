//! Calls that read the web.

use bottega_policy::egress::WebUrl;
use bottega_tool::{Web, WebAnswer, WebError};

use super::*;

/// Answers every address with this.
struct Server(WebAnswer);

#[async_trait::async_trait]
impl Web for Server {
    async fn get(&self, url: &WebUrl) -> Result<WebAnswer, WebError> {
        Ok(WebAnswer { url: url.clone(), ..self.0.clone() })
    }
}

fn answer(content_type: &str, body: &[u8]) -> WebAnswer {
    WebAnswer {
        url: "https://example.org/".parse().unwrap(),
        status: 200,
        content_type: Some(content_type.to_owned()),
        redirect: None,
        body: body.to_vec(),
        announced: Some(body.len() as u64),
        cut: false,
    }
}

fn serving(answer: WebAnswer) -> Bench {
    let mut bench = Bench::files(FakeWorkspace::new());
    bench.context.web = Arc::new(Server(answer));
    bench
}

async fn get(answer: WebAnswer) -> ToolOutput {
    serving(answer).call("http_get", json!({ "url": "https://example.org/a" })).await.unwrap()
}

#[tokio::test]
async fn a_page_is_read_as_text() {
    let html = b"<title>T</title><p>See <a href=b>this</a>.";
    let output = get(answer("text/html; charset=utf-8", html)).await;
    assert_eq!(
        output.text,
        "https://example.org/a: text/html as text, 37 bytes\nT\n\nSee [this](https://example.org/b)."
    );
    assert!(!output.failed && output.full.is_none());
    let output = get(answer("application/json", b"{\"a\":1}\n")).await;
    assert_eq!(output.text, "https://example.org/a: application/json, 8 bytes\n{\"a\":1}");
    let output = get(WebAnswer { status: 404, ..answer("text/plain", b"no such page") }).await;
    assert!(output.failed);
    assert_eq!(
        output.text,
        "https://example.org/a: status 404: text/plain, 12 bytes\nno such page"
    );
    let output = get(answer("text/html", b"<script>x</script>")).await;
    assert_eq!(output.text, "https://example.org/a: text/html as text, no text in it");
}

#[tokio::test]
async fn what_is_no_text_is_named() {
    let output =
        get(WebAnswer { announced: Some(70_000), cut: true, ..answer("image/png", b"\x89PNG") });
    let output = output.await;
    assert!(output.failed);
    assert_eq!(
        output.text,
        "https://example.org/a: image/png of 70000 bytes is no text, so it is not shown; fetch it to a file with shell and \
         its hosts"
    );
    let output =
        get(WebAnswer { announced: None, cut: true, ..answer("audio/ogg", b"OggS") }).await;
    assert!(output.text.contains(": audio/ogg of more than 4 bytes is no text"), "{}", output.text);
}

#[tokio::test]
async fn a_long_page_is_read_part_by_part() {
    let lines: String = (0..900).map(|n| format!("line {n} é\n")).collect();
    for text in [lines, "é".repeat(9_000)] {
        let bench = serving(WebAnswer { cut: true, ..answer("text/plain", text.as_bytes()) });
        let (mut from, mut read, mut calls) = (0, String::new(), 0);
        loop {
            let arguments = json!({ "url": "https://example.org/a", "from": from });
            let output = bench.call("http_get", arguments).await.unwrap();
            assert!(output.text.len() <= bench.context.output_limit);
            assert_eq!(output.full.as_ref(), Some(&text));
            let (head, body) = output.text.split_once('\n').unwrap();
            let (body, last) = body.rsplit_once('\n').unwrap();
            let to = head.rsplit_once('-').unwrap().1.split_once(' ').unwrap().0;
            let to: usize = to.parse().unwrap();
            assert_eq!(body, text[from..to].trim_end());
            read.push_str(&text[from..to]);
            (from, calls) = (to, calls + 1);
            if to == text.len() {
                assert_eq!(
                    last,
                    format!("[the page goes on, {to} bytes in all; what follows is not read]")
                );
                break;
            }
            let left = text.len() - to;
            assert_eq!(last, format!("[{left} more bytes: http_get with from {to}]"));
        }
        assert_eq!((read, (3..7).contains(&calls)), (text, true), "{calls}");
        let behind = json!({ "url": "https://example.org/a", "from": 99_999 });
        bench.refused("http_get", behind, "from 99999 is behind its end").await;
    }
}

#[tokio::test]
async fn the_host_is_what_a_call_needs_and_the_address_what_a_person_sees() {
    let bench = Bench::files(FakeWorkspace::new());
    for (url, host) in [
        ("https://Example.org/a?b#c", "example.org"),
        ("http://example.org:443/", "example.org"),
        ("https://example.org:8443/", "example.org:8443"),
        ("http://[2606:4700::1]/", "[2606:4700::1]"),
    ] {
        let needs = bench.needs("http_get", json!({ "url": url })).await;
        assert_eq!(needs, [Need::Network { host: host.to_owned() }], "{url}");
    }
    let url = json!({ "url": "HTTPS://Example.org/a?b=c d#e" }).to_string();
    let prepared = find("http_get").prepare(&url, &bench.context).await.unwrap();
    assert_eq!(prepared.summary(), "get https://example.org/a?b=c%20d");
    let details = prepared.details(&bench.context).await;
    assert_eq!(details, "GET https://example.org/a?b=c%20d\nfrom example.org:443");
    for (url, words) in [
        ("ftp://example.org/", "begin with http:// or https://"),
        ("file:///etc/passwd", "begin with http:// or https://"),
        ("http://me:word@example.org/", "leave the login out"),
        ("http://0x7f.1/", "odd spelling of an address"),
        ("http://2130706433/", "odd spelling of an address"),
        ("http://localhost:3000/", "is no host name"),
    ] {
        bench.refused("http_get", json!({ "url": url }), words).await;
    }
    let unasked = json!({ "url": "https://example.org/" });
    bench.refused("http_get", unasked, "was not asked for").await;
}
