//! Requests of guests over real connections.

use std::sync::{Arc, Mutex};

use bottega_egress::{WebClient, WebLimits, WebOptions};
use bottega_manifest::{HttpRequest, Refusal};
use bottega_policy::egress::Screen;

use crate::world::{PUBLIC, Serves, Told, World, servers};

const ANSWER: &str = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:PORT/\r\nX-Own: a\r\n\
                      Content-Length: 5\r\n\r\nhello";

/// What comes of a request to `http://HOST:PORT/path`, and what the server heard of it.
fn send(host: &str, method: &str, headers: &[(&str, &str)], most: usize) -> (String, String) {
    let world = World { serves: Serves::Answers(ANSWER), ..World::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (public, inside) = servers().await;
        let port = public.local_addr().unwrap().port().to_string();
        let web = WebClient::new(WebOptions {
            limits: WebLimits { bytes: most, ..WebLimits::default() },
            screen: Screen { also_public: vec![PUBLIC], ..Screen::default() },
            resolver: Arc::new(Told::new(&world.answers)),
        });
        let heard = (Mutex::default(), Mutex::default());
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = HttpRequest {
            method: method.to_owned(),
            url: format!("http://{host}:{port}/path?q=1").parse().unwrap(),
            headers: headers.iter().map(owned).collect(),
            body: b"{}".to_vec(),
        };
        let came = tokio::select! {
            came = web.send(request) => came,
            () = world.play(&public, &heard.0) => unreachable!(),
            () = world.play(&inside, &heard.1) => unreachable!(),
        };
        assert!(heard.1.lock().unwrap().is_empty(), "nobody inside was asked");
        let heard = heard.0.lock().unwrap().join("").replace(&port, "PORT");
        let told = match came {
            Ok(answer) => {
                let own = answer.headers.iter().find(|(name, _)| name == "x-own");
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                format!("{} {} {body}", answer.status, own.unwrap().1)
            }
            Err(Refusal::Denied(why)) => format!("denied: {why}"),
            Err(Refusal::Malformed(why)) => format!("malformed: {why}"),
            Err(Refusal::Exhausted(why)) => format!("exhausted: {why}"),
            Err(Refusal::Unavailable(why)) => format!("unavailable: {why}"),
        };
        (told.replace(&port, "PORT"), heard)
    })
}

#[test]
fn a_request_goes_out_as_it_is_and_a_redirect_is_an_answer() {
    let (told, heard) = send("example.org", "POST", &[("X-Mine", "b"), ("Accept", "*/*")], 99);
    assert_eq!(told, "302 a hello");
    let heard = heard.to_ascii_lowercase();
    assert!(heard.starts_with("post /path?q=1 http/1.1\r\n"), "{heard}");
    for line in
        ["x-mine: b\r\n", "host: example.org:port\r\n", "content-length: 2\r\n", "\r\n\r\n{}"]
    {
        assert!(heard.contains(line), "{heard}");
    }
}

#[test]
fn what_is_carried_in_another_way_is_refused_before_anything_is_sent() {
    let check = |method: &str, headers: &[(&str, &str)], expected: &str| {
        let (told, heard) = send("example.org", method, headers, 99);
        assert!(told.starts_with(expected) && heard.is_empty(), "{told}: {heard}");
    };
    check("CONNECT", &[], "malformed: the method `CONNECT`");
    check("TRACE", &[], "malformed: the method `TRACE`");
    check("GET / HTTP/1.1\r\nX:", &[], "malformed: the method");
    for field in ["Host", "content-length", "Transfer-Encoding", "Connection", "a b", "a:\r\nb"] {
        check("GET", &[(field, "x")], "malformed: the field");
    }
    check("GET", &[("x", "a\r\nHost: b")], "malformed: what the field `x` says");
}

#[test]
fn private_addresses_and_large_answers_are_refused() {
    let (told, heard) = send("127.0.0.1", "GET", &[], 99);
    assert!(told.starts_with("denied: ") && heard.is_empty(), "{told}");
    let (told, _) = send("example.org", "GET", &[], 4);
    assert_eq!(told, "exhausted: the answer has more than 4 bytes");
}
