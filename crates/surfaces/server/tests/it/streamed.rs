//! Server-sent events: what goes on is told as it happens, and gone on with after a break.

use std::sync::atomic::Ordering;

use bottega_api::{ApiError, codes};
use bottega_server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{Ask, Site, TOKEN, served};

/// The events of a stream that ends: `ID NAME DATA`, a line each.
fn events(body: &str) -> Vec<String> {
    let line = |event: &str, name: &str| {
        let found = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default().to_owned()
    };
    let events = body.split("\n\n").filter(|event| event.contains("event: "));
    events
        .map(|event| {
            format!("{} {} {}", line(event, "id"), line(event, "event"), line(event, "data"))
        })
        .collect()
}

/// A stream that is read by hand.
pub(crate) struct Open(TcpStream);

impl Open {
    pub(crate) async fn at(site: &Site, path: &str) -> Self {
        let mut stream = TcpStream::connect(&site.address).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
            site.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// Reads until this was said.
    pub(crate) async fn until(&mut self, words: &str) -> String {
        let (mut seen, mut buffer) = (String::new(), [0; 4_096]);
        while !seen.contains(words) {
            let count = self.0.read(&mut buffer).await.unwrap();
            assert!(count > 0, "`{words}` does not come: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        seen
    }
}

#[test]
fn what_happens_is_told_until_it_is_over() {
    served(Limits::default(), async |site| {
        let mut open = Open::at(site, "/v1/agents/echo/events/stream").await;
        let head = open.until("event: event").await;
        assert!(head.contains("200 OK") && head.contains("text/event-stream"), "{head}");
        site.agents.happens("agent.crashed");
        open.until("id: 2\nevent: event\ndata: {\"at_ms\":2500,\"kind\":\"agent.crashed\"").await;
        site.agents.over.store(true, Ordering::Relaxed);
        // The end of a body in pieces (RFC 9112, section 7.1).
        open.until("0\r\n\r\n").await;
        let nobody = Ask::new("GET /v1/agents/echo/events/stream").at(site).await;
        assert_eq!(nobody.problem().0, 404);
    });
}

#[test]
fn whoever_comes_back_goes_on_where_it_was() {
    served(Limits::default(), async |site| {
        site.agents.happens("agent.crashed");
        for last in ["Last-Event-ID", "after"] {
            let path = "GET /v1/agents/echo/events/stream";
            let (path, header) = match last {
                "after" => (format!("{path}?after=1"), None),
                header => (path.to_owned(), Some((header, "1"))),
            };
            let ask =
                header.map_or(Ask::new(&path), |(name, value)| Ask::new(&path).with(name, value));
            let ending = async {
                while site.agents.calls.lock().unwrap().len() < 3 {
                    tokio::task::yield_now().await;
                }
                site.agents.over.store(true, Ordering::Relaxed);
            };
            let (came, ()) = futures::future::join(ask.at(site), ending).await;
            let told = events(&came.body);
            assert_eq!(told.len(), 1, "{came:?}");
            assert!(told[0].starts_with("2 event {\"at_ms\":2500"), "{told:?}");
            site.agents.over.store(false, Ordering::Relaxed);
            site.agents.calls();
        }
        let path = "GET /v1/agents/echo/events/stream";
        let slip = Ask::new(path).with("Last-Event-ID", "x").at(site).await;
        assert_eq!(slip.problem().1, "BTG0021");
    });
}

#[test]
fn an_agent_outside_is_told_each_message_once_the_one_before_is_acknowledged() {
    served(Limits::default(), async |site| {
        let mut open = Open::at(site, "/v1/agents/echo/inbox/stream").await;
        open.until("id: 7\nevent: message\ndata: {\"number\":7").await;
        Ask::new("POST /v1/agents/echo/inbox/7/acknowledge").at(site).await;
        open.until("id: 8\nevent: message").await;
        drop(open);
        // What was not acknowledged comes again.
        Open::at(site, "/v1/agents/echo/inbox/stream").await.until("id: 8\nevent: message").await;
    });
}

#[test]
fn a_tender_is_followed_and_what_fails_is_told_last() {
    served(Limits::default(), async |site| {
        let mut open = Open::at(site, "/v1/tenders/tnd_1/events/stream").await;
        open.until("\"kind\":\"tender.decided\"").await;
        site.agents.refuse(ApiError::new(codes::STORE, "the disk is gone"));
        let end = open.until("0\r\n\r\n").await;
        assert!(end.contains("event: error\ndata: {") && end.contains("BTG0010"), "{end}");
    });
}

#[test]
fn streams_have_room_of_their_own_and_end_with_the_server() {
    let limits = Limits { streams_at_once: 1, ..Limits::default() };
    served(limits, async |site| {
        let mut one = Open::at(site, "/v1/agents/silent/inbox/stream").await;
        site.agents.begun.notified().await;
        let refused = Ask::new("GET /v1/agents/echo/events/stream").at(site).await;
        assert_eq!(refused.problem().0, 503);
        assert_eq!(Ask::new("GET /v1/agents").at(site).await.status, 200);
        drop(site.stop.lock().unwrap().take());
        let end = one.until("0\r\n\r\n").await;
        assert!(end.contains("event: error") && end.contains("being stopped"), "{end}");
    });
}

#[test]
fn a_batch_tells_of_each_message_as_it_is_dealt_with() {
    served(Limits::default(), async |site| {
        site.agents.refuse(ApiError::new(codes::UNDELIVERED, "nobody is there"));
        let body = r#"{"messages": [{"message": {"a": 1}}, {"message": {"a": 2}, "idempotency_key": "k"}]}"#;
        let came = Ask::new("POST /v1/messages/batch").json(body).at(site).await;
        assert_eq!(came.header("content-type"), Some("application/x-ndjson"));
        let lines: Vec<serde_json::Value> =
            came.body.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        // Between them stand the sizes of the pieces, which are numbers too.
        let steps: Vec<_> = lines.iter().filter(|line| line["of"] == 2).collect();
        assert_eq!(steps.len(), 2, "{}", came.body);
        assert_eq!(
            (&steps[0]["index"], &steps[0]["problem"]["code"]),
            (&0.into(), &"BTG0022".into())
        );
        assert_eq!((&steps[1]["done"], &steps[1]["receipt"]["id"]), (&2.into(), &"m3".into()));
        let sent = [r#"send {"a":1} None None"#, r#"send {"a":2} None Some("k")"#];
        assert_eq!(site.agents.calls(), sent);
        let none = Ask::new("POST /v1/messages/batch").json(r#"{"messages": []}"#).at(site).await;
        assert_eq!(none.problem().1, "BTG0021");
    });
}
