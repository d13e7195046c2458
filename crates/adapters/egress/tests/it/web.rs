//! Pages over real connections.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bottega_egress::{WebClient, WebLimits, WebOptions};
use bottega_policy::egress::Screen;
use bottega_tool::{Web, WebAnswer, WebError};

use crate::world::{INSIDE, PUBLIC, Serves, Told, World, servers};

/// A world whose public server answers with this.
fn answering(answer: &'static str) -> World {
    World { serves: Serves::Answers(answer), ..World::new() }
}

/// What came of asking for addresses, and what the servers and the resolver heard.
#[derive(Debug)]
struct Came {
    answers: Vec<Result<WebAnswer, String>>,
    public: Vec<String>,
    inside: Vec<String>,
    asked: Vec<String>,
}

/// Asks for one address after another. `PORT` stands for the port of both servers.
fn get(world: &World, limits: WebLimits, addresses: &[&str]) -> Came {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (public, inside) = servers().await;
        let port = public.local_addr().unwrap().port().to_string();
        let told = Arc::new(Told::new(&world.answers));
        let web = WebClient::new(WebOptions {
            limits,
            screen: Screen { also_public: vec![PUBLIC], ..Screen::default() },
            resolver: told.clone(),
        });
        let (heard_public, heard_inside) = (Mutex::default(), Mutex::default());
        let client = async {
            let mut answers = Vec::new();
            for address in addresses {
                let address = address.replace("PORT", &port).parse().unwrap();
                let answer = web.get(&address).await;
                answers.push(
                    answer.map_err(|error: WebError| error.to_string().replace(&port, "PORT")),
                );
            }
            answers
        };
        let answers = tokio::select! {
            answers = client => answers,
            () = world.play(&public, &heard_public) => unreachable!(),
            () = world.play(&inside, &heard_inside) => unreachable!(),
        };
        let replaced = |lines: Mutex<Vec<String>>| -> Vec<String> {
            lines.into_inner().unwrap().iter().map(|line| line.replace(&port, "PORT")).collect()
        };
        Came {
            answers,
            public: replaced(heard_public),
            inside: replaced(heard_inside),
            asked: told.asked(),
        }
    })
}

/// What is said of `http://example.org:PORT/`: the status and the body, or the error.
#[track_caller]
fn check(world: &World, limits: WebLimits, expected: &str) {
    let came = get(world, limits, &["http://example.org:PORT/"]);
    let told = match &came.answers[0] {
        Ok(answer) => {
            let body = String::from_utf8_lossy(&answer.body);
            format!("{} {body}{}", answer.status, if answer.cut { " [cut]" } else { "" })
        }
        Err(error) => error.clone(),
    };
    assert!(
        told == expected
            || expected.ends_with('…') && told.starts_with(expected.trim_end_matches('…')),
        "{told}"
    );
}

#[test]
fn a_page_is_asked_for_in_few_words() {
    let world = answering(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nhi",
    );
    let came = get(
        &world,
        WebLimits::default(),
        &["http://example.org:PORT/a?b=c d#e", "http://example.org:PORT/"],
    );
    let answer = came.answers[0].as_ref().unwrap();
    assert_eq!((answer.status, answer.content_type.as_deref()), (200, Some("text/plain")));
    assert_eq!((&*answer.body, answer.announced, answer.cut), (&b"hi"[..], Some(2), false));
    let mut head: Vec<String> =
        came.public[0].trim_end().split("\r\n").map(str::to_lowercase).collect();
    head[1..].sort();
    assert_eq!(
        head,
        [
            "get /a?b=c%20d http/1.1",
            "accept-encoding: gzip",
            "accept: text/markdown, text/html;q=0.9, */*;q=0.8",
            "host: example.org:port",
            concat!("user-agent: bottega/", env!("CARGO_PKG_VERSION")),
        ]
    );
    assert!(!came.public[1].to_lowercase().contains("cookie"), "{came:?}");
    assert_eq!(came.asked, ["example.org", "example.org"], "nothing is kept between pages");
}

#[test]
fn a_body_is_bounded_packed_and_unpacked() {
    let most = |bytes| WebLimits { bytes, ..WebLimits::default() };
    let plain = answering("HTTP/1.1 200 OK\r\n\r\nhello");
    check(&plain, most(5), "200 hello");
    check(&plain, most(4), "200 hell [cut]");
    let chunked = answering(
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    );
    check(&chunked, most(9), "404 abcde");
    check(&chunked, most(4), "404 abcd [cut]");
    let coded = answering("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nhello");
    check(&coded, most(9), "example.org:PORT did not answer as it should: it is packed as `br`");
    let broken = answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nhello");
    check(
        &broken,
        most(9),
        "example.org:PORT did not answer as it should: it can't be unpacked: …",
    );
}

#[test]
fn a_body_that_breaks_off_is_no_page() {
    let failed = "example.org:PORT did not answer as it should: …";
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "220 mail.example.org\r\n\r\n",
        "",
    ] {
        check(&answering(answer), WebLimits::default(), failed);
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let world = World { serves: Serves::Silence, ..World::new() };
    let limits = WebLimits { whole: Duration::from_millis(50), ..WebLimits::default() };
    check(
        &world,
        limits,
        "example.org:PORT did not answer within 0.05 s; try again, or go another way",
    );
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let world = answering(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:PORT/latest\r\nContent-Length: 2\r\n\r\nhi",
    );
    let came = get(&world, WebLimits::default(), &["http://example.org:PORT/"]);
    let answer = came.answers[0].as_ref().unwrap();
    let redirect = answer.redirect.as_deref().unwrap();
    assert!(
        redirect.starts_with("http://127.0.0.1:") && redirect.ends_with("/latest"),
        "{redirect}"
    );
    assert!(answer.body.is_empty() && came.public.len() == 1 && came.inside.is_empty(), "{came:?}");
    // A place without a redirect, and a redirect without a place, are answers.
    check(
        &answering("HTTP/1.1 201 Created\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nhi"),
        WebLimits::default(),
        "201 hi",
    );
    check(
        &answering("HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nhi"),
        WebLimits::default(),
        "302 hi",
    );
}

#[test]
fn nobody_inside_is_reached() {
    let refused = |answers: Vec<Vec<std::net::IpAddr>>, address: &str, why: &str| {
        let world = World { answers, ..answering("HTTP/1.1 200 OK\r\n\r\nhi") };
        let came = get(&world, WebLimits::default(), &[address]);
        assert_eq!(came.answers[0].as_ref().unwrap_err(), why);
        assert!(came.public.is_empty() && came.inside.is_empty(), "{came:?}");
    };
    let inside = "refused: example.org:PORT leads to 127.0.0.1, which is this machine";
    for addresses in [vec![INSIDE], vec![PUBLIC, INSIDE], vec![INSIDE, PUBLIC]] {
        refused(vec![addresses], "http://example.org:PORT/", inside);
    }
    for (address, what) in [
        ("10.0.0.1", "a private network"),
        ("169.254.169.254", "a cloud's metadata service"),
        ("169.254.0.9", "a link-local address"),
        ("::1", "this machine"),
        ("::ffff:127.0.0.2", "an IPv4 address inside an IPv6 one"),
    ] {
        let why = format!("refused: example.org:443 leads to {address}, which is {what}");
        refused(vec![vec![address.parse().unwrap()]], "https://example.org/", &why);
    }
    for (host, address, what) in [
        ("127.0.0.1", "127.0.0.1", "this machine"),
        ("[::1]", "::1", "this machine"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1", "an IPv4 address inside an IPv6 one"),
    ] {
        let target =
            if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let why = format!("refused: {target}:PORT leads to {address}, which is {what}");
        refused(vec![], &format!("http://{host}:PORT/"), &why);
    }
    refused(vec![vec![]], "http://example.org/", "refused: example.org:80 has no address");
    refused(
        vec![],
        "http://example.org/",
        "the address of example.org:80 was not found: entity not found",
    );
}

#[test]
fn a_name_that_is_bound_anew_leads_nowhere() {
    // Public when it is looked at, inside a moment later: what was looked at is what is connected to.
    let world = World {
        answers: vec![vec![PUBLIC], vec![INSIDE]],
        ..answering("HTTP/1.1 200 OK\r\n\r\nhi")
    };
    let address = "http://example.org:PORT/";
    let came = get(&world, WebLimits::default(), &[address, address]);
    assert_eq!(came.answers[0].as_ref().unwrap().body, b"hi");
    assert!(came.answers[1].as_ref().unwrap_err().contains("this machine"), "{came:?}");
    assert_eq!((came.public.len(), came.inside.len(), came.asked.len()), (1, 0, 2));
}

#[test]
fn what_speaks_no_tls_is_no_secure_page() {
    let world = World { serves: Serves::Mumbles("HTTP/1.1 200 OK\r\n\r\nhi"), ..World::new() };
    let came = get(&world, WebLimits::default(), &["https://example.org:PORT/"]);
    let error = came.answers[0].as_ref().unwrap_err();
    assert!(error.starts_with("example.org:PORT did not answer as it should: "), "{error}");
}
