//! Connections: how many there may be, and who is too slow to keep one.

use std::time::Duration;

use bottega_server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{Ask, Site, TOKEN, get, served};

const SHORT: Duration = Duration::from_millis(50);

/// Says this and no more. What came until the server closed the connection; nothing ends this but the server.
async fn say(site: &Site, words: &[u8]) -> String {
    let mut stream = TcpStream::connect(&site.address).await.unwrap();
    stream.write_all(words).await.unwrap();
    let mut came = Vec::new();
    // One that is dropped with something unread is reset.
    let _ = stream.read_to_end(&mut came).await;
    String::from_utf8_lossy(&came).into_owned()
}

#[test]
fn whoever_says_nothing_or_too_slowly_is_left() {
    let limits = Limits { head: SHORT, idle: SHORT, ..Limits::default() };
    served(limits, async |site| {
        // Nothing, half a preface of HTTP/2, a whole one, half a head.
        for words in [
            &b""[..],
            b"PRI * HT",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /health/live HTTP/1.1\r\nHost: ",
        ] {
            let came = say(site, words).await;
            assert!(!came.contains("200 OK"), "{came}");
        }
        // And one that was answered, kept its connection, and goes on slowly or not at all.
        let whole = format!("GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", site.address);
        for more in ["", "GET /health/li"] {
            let came = say(site, format!("{whole}{more}").as_bytes()).await;
            assert_eq!(came.matches("200 OK").count(), 1, "{came}");
        }
        assert_eq!(get(site, "/v1/agents").await.status, 200);
    });
}

#[test]
fn an_answer_that_goes_on_keeps_its_connection() {
    let limits = Limits { head: SHORT, idle: SHORT, ..Limits::default() };
    served(limits, async |site| {
        let mut stream = TcpStream::connect(&site.address).await.unwrap();
        let ask = format!(
            "GET /v1/agents/echo/events/stream HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
            site.address
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut came = vec![0; 4];
        stream.read_exact(&mut came).await.unwrap();
        // Others come and are left meanwhile.
        for _ in 0..3 {
            say(site, b"").await;
        }
        let mut byte = [0; 1];
        let end = async {
            loop {
                match stream.read(&mut byte).await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        };
        tokio::select! {
            () = end => panic!("it was closed while its answer went on"),
            _ = say(site, b"") => {}
        }
    });
}

#[test]
fn who_comes_when_it_is_full_is_told_to_come_again() {
    let limits = Limits { connections: 2, ..Limits::default() };
    served(limits, async |site| {
        let list = || Ask::new("GET /v1/agents");
        assert_eq!(get(site, "/health/ready").await.status, 200);
        let mut kept = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(&site.address).await.unwrap();
            let ask = format!("GET /health/live HTTP/1.1\r\nHost: {}\r\n\r\n", site.address);
            stream.write_all(ask.as_bytes()).await.unwrap();
            let mut came = [0; 12];
            stream.read_exact(&mut came).await.unwrap();
            assert_eq!(&came, b"HTTP/1.1 200");
            kept.push(stream);
        }
        let came = list().at(site).await;
        let (status, code, detail) = came.problem();
        assert_eq!((status, code.as_str()), (503, "BTG0029"), "{detail}");
        assert_eq!(came.header("retry-after"), Some("1"));
        assert_eq!(site.agents.calls(), ["list"], "what asked whether it is ready");
        let ready = get(site, "/health/ready").await;
        assert_eq!(
            (ready.status, &ready.json()["not_ready"][0]["what"]),
            (503, &"connections".into())
        );
        assert_eq!(get(site, "/health/live").await.status, 200);
        let metrics = get(site, "/metrics").await.body;
        for line in [
            "bottega_connections_open 2",
            "bottega_connections_most 2",
            "bottega_connections_turned_away_total 1",
        ] {
            assert!(metrics.lines().any(|own| own == line), "{metrics}");
        }
        drop(kept);
        // The server sees that they went, sooner or later.
        while list().at(site).await.status != 200 {}
    });
}
