//! Every refusal: its status, its code, and that nothing reached the agents.

use std::time::Duration;

use bottega_api::{ApiError, CODES, codes};
use bottega_server::{Limits, Options, Server};
use bottega_types::Secret;

use crate::world::{Ask, TOKEN, Told, get, served};

/// One request, and how it is refused before the agents hear of it.
#[track_caller]
fn check(request: Ask, status: u16, code: &str, part: &str) {
    served(Limits { body: 2_000, ..Limits::default() }, async |site| {
        let came = request.at(site).await;
        let (is, own, detail) = came.problem();
        assert_eq!((is, own.as_str()), (status, code), "{came:?}");
        assert!(detail.contains(part), "{detail}");
        assert!(site.agents.calls().is_empty());
        assert_eq!(came.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(came.header("cache-control"), Some("no-store"));
    });
}

fn list() -> Ask {
    Ask::new("GET /v1/agents")
}

fn send(body: &str) -> Ask {
    Ask::new("POST /v1/messages").json(body)
}

#[test]
fn who_has_no_token_stays_outside() {
    check(list().without("Authorization"), 401, "BTG0028", "has no token");
    for token in ["wrong", &TOKEN[1..], &format!("{TOKEN}0"), &TOKEN.to_uppercase()] {
        check(list().with("Authorization", &format!("Bearer {token}")), 401, "BTG0028", "is wrong");
    }
    check(list().with("Authorization", TOKEN), 401, "BTG0028", "has no token");
    // A browser sends a password by itself; only what is read takes it.
    let password = "Basic eDowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==";
    check(list().with("Authorization", password), 401, "BTG0028", "has no token");
    // Without the token nobody learns what there is.
    for line in ["GET /nowhere", "PUT /v1/agents", "GET /metrics", "GET /openapi.json", "GET /docs"]
    {
        check(Ask::new(line).without("Authorization"), 401, "BTG0028", "has no token");
    }
    served(Limits::default(), async |site| {
        let challenge = list().without("Authorization").at(site).await;
        assert_eq!(challenge.header("www-authenticate"), Some("Bearer realm=\"bottega\""));
        assert_eq!(
            list().with("Authorization", &format!("bearer  {TOKEN}")).at(site).await.status,
            200
        );
        let read = Ask::new("GET /docs").with("Authorization", password).at(site).await;
        assert_eq!(read.status, 200);
        let unread = Ask::new("GET /docs").without("Authorization").at(site).await;
        assert!(unread.header("www-authenticate").unwrap().starts_with("Basic "));
    });
}

#[test]
fn who_guesses_is_slowed_down_and_locks_out_nobody() {
    served(Limits { wrong_tokens: 2, ..Limits::default() }, async |site| {
        let guess = async || list().with("Authorization", "Bearer guess").at(site).await;
        assert_eq!((guess().await.status, guess().await.status), (401, 401));
        let slowed = guess().await;
        assert_eq!(slowed.problem().0, 429);
        let wait: u64 = slowed.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait}");
        // Who sends none guesses nothing, and who has it is let in.
        assert_eq!(list().without("Authorization").at(site).await.status, 401);
        assert_eq!(list().at(site).await.status, 200);
    });
}

#[test]
fn pages_of_others_are_refused() {
    for host in
        ["attacker.example", "attacker.example:7437", "10.0.0.1", "localhost.attacker.example"]
    {
        check(list().with("Host", host), 403, "BTG0008", host);
        // Before the token is looked at, and for health too.
        check(list().with("Host", host).without("Authorization"), 403, "BTG0008", host);
        check(Ask::new("GET /health/ready").with("Host", host), 403, "BTG0008", host);
    }
    check(Ask::new("GET http://attacker.example/v1/agents"), 403, "BTG0008", "no name");
    for origin in ["http://attacker.example", "null", "http://localhost:3000", "https://127.0.0.1"]
    {
        check(list().with("Origin", origin), 403, "BTG0008", origin);
        check(Ask::new("OPTIONS /v1/messages").with("Origin", origin), 403, "BTG0008", origin);
    }
    served(Limits::default(), async |site| {
        let own = format!("http://{}", site.address);
        assert_eq!(list().with("Origin", &own).at(site).await.status, 200);
        let port = site.address.rsplit(':').next().unwrap();
        for host in [format!("localhost:{port}"), format!("[::1]:{port}"), "127.0.0.1".to_owned()] {
            assert_eq!(list().with("Host", &host).at(site).await.status, 200, "{host}");
        }
    });
}

#[test]
fn what_is_nowhere_is_not_found() {
    check(Ask::new("GET /nowhere"), 404, "BTG0001", "/nowhere");
    check(Ask::new("GET /v1/agents/"), 404, "BTG0001", "/v1/agents/");
    check(Ask::new("GET /v1/agents/%FF"), 404, "BTG0001", "%FF");
    check(Ask::new("GET /docs/errors/BTG9999"), 404, "BTG0001", "BTG9999");
    check(Ask::new("PUT /v1/agents"), 405, "BTG0001", "PUT");
    check(Ask::new("GET /v1/messages"), 405, "BTG0001", "GET");
    served(Limits::default(), async |site| {
        let came = Ask::new("PUT /v1/agents").at(site).await;
        assert_eq!(came.header("allow"), Some("GET,HEAD,POST"));
        let (status, code, detail) = get(site, "/v1/agents/nobody").await.problem();
        assert_eq!((status, code.as_str()), (404, "BTG0019"), "{detail}");
    });
}

#[test]
fn a_body_is_held_to_its_form() {
    check(send("{\"message\": {}"), 400, "BTG0021", "EOF");
    check(send("nonsense"), 400, "BTG0021", "line 1 column 2");
    check(send("{\"message\": {}} more"), 400, "BTG0021", "trailing");
    check(send(""), 400, "BTG0021", "EOF");
    check(send(&"[".repeat(500)), 400, "BTG0021", "recursion");
    check(send("{}"), 422, "BTG0021", "missing field `message`");
    check(send("{\"message\": {}, \"urgent\": true}"), 422, "BTG0021", "unknown field `urgent`");
    check(
        send("{\"message\": {}, \"delivery\": \"soon\"}"),
        422,
        "BTG0021",
        "unknown variant `soon`",
    );
    check(send("[1]"), 422, "BTG0021", "not a list");
    check(send("[]"), 422, "BTG0021", "not a list");
    check(send("7"), 422, "BTG0021", "expected an object at line 1");
    let ask = |body| Ask::new("POST /v1/messages/ask").json(body);
    check(ask("{\"message\": {}, \"timeout_ms\": -1}"), 422, "BTG0021", "invalid value");
    check(ask("{\"message\": {}, \"timeout_ms\": 300001}"), 422, "BTG0021", "300 s at most");
}

#[test]
fn a_body_is_json_and_not_too_large() {
    let body = "{\"message\": {}}";
    check(send(body).without("Content-Type"), 415, "BTG0021", "no type");
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        check(send(body).with("Content-Type", media), 415, "BTG0021", media);
    }
    let large = format!("{{\"message\": \"{}\"}}", "x".repeat(2_000));
    check(send(&large), 413, "BTG0007", "2000 bytes");
    // Told beforehand, and never sent.
    check(send("").with("Content-Length", "2001"), 413, "BTG0007", "2000 bytes");
    // In pieces of unknown number.
    let pieces = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let chunked = send(&pieces).with("Transfer-Encoding", "chunked").piecewise();
    check(chunked, 413, "BTG0007", "2000 bytes");
    served(Limits { body: 2_000, ..Limits::default() }, async |site| {
        let typed = send(body).with("Content-Type", "Application/JSON; charset=utf-8");
        assert_eq!(typed.at(site).await.status, 202);
        // A module may be larger than everything else.
        let module = format!("{{\"manifest\": \"\", \"module\": \"{}\"}}", "x".repeat(9_000));
        assert_eq!(Ask::new("POST /v1/agents").json(&module).at(site).await.status, 201);
    });
}

#[test]
fn queries_and_keys_are_held_to_their_form() {
    let events = |query| Ask::new(&format!("GET /v1/agents/echo/events?{query}"));
    for query in ["limit=x", "limit=-1", "limit", "last=3", "limit=1&last=3"] {
        check(events(query), 400, "BTG0001", "can't stand in the query");
    }
    for query in ["limit=0", "limit=10001"] {
        check(events(query), 400, "BTG0001", "1 to 10000");
    }
    // Where it would mean nothing, nobody shall count on it.
    let ask = Ask::new("POST /v1/messages/ask").json("{\"message\": {}}");
    check(ask.with("Idempotency-Key", "k"), 422, "BTG0021", "done again");
    let keyed = |key: &str| send("{\"message\": {}}").with("Idempotency-Key", key);
    check(keyed("\"\""), 400, "BTG0021", "256");
    check(keyed(&"k".repeat(257)), 400, "BTG0021", "256");
    let other = send("{\"message\": {}, \"idempotency_key\": \"a\"}").with("Idempotency-Key", "b");
    check(other, 422, "BTG0021", "differently");
}

#[test]
fn what_agents_refuse_is_told_with_its_status() {
    served(Limits::default(), async |site| {
        for code in CODES {
            site.agents.refuse(ApiError::new(*code, "as it was told to").step("a step of its own"));
            let came = get(site, "/v1/agents").await;
            let (_, own, detail) = came.problem();
            assert_eq!((own.as_str(), detail.as_str()), (code.name, "as it was told to"));
            assert_eq!(came.json()["next_step"], "a step of its own");
            assert_eq!(came.json()["title"], code.title);
        }
        for (code, status) in [
            (codes::NO_AGENT, 404),
            (codes::AGENT_STATE, 409),
            (codes::MALFORMED, 422),
            (codes::UNDELIVERED, 503),
            (codes::STORE, 500),
        ] {
            site.agents.refuse(ApiError::new(code, "x"));
            assert_eq!(get(site, "/v1/agents").await.status, status, "{}", code.name);
        }
    });
}

#[test]
fn a_panic_ends_its_request_alone() {
    served(Limits::default(), async |site| {
        let (status, code, detail) = get(site, "/v1/agents/panic").await.problem();
        assert_eq!((status, code.as_str()), (500, "BTG0016"));
        assert!(!detail.contains("told to"), "what went wrong inside stays inside: {detail}");
        assert_eq!(get(site, "/v1/agents").await.status, 200);
    });
}

#[test]
fn what_takes_too_long_is_given_up() {
    let limits = Limits { long: Duration::from_millis(1), ..Limits::default() };
    served(limits, async |site| {
        let came = Ask::new("POST /v1/agents/echo/restart").at(site).await;
        assert_eq!(came.problem().0, 503, "{came:?}");
        assert!(came.header("retry-after").is_some());
    });
}

#[test]
fn more_than_there_is_room_for_comes_again_later() {
    served(Limits { at_once: 1, ..Limits::default() }, async |site| {
        let first = Ask::new("POST /v1/agents/echo/restart").at(site);
        let second = async {
            site.agents.begun.notified().await;
            let refused = list().at(site).await;
            let health = Ask::new("GET /health/ready").at(site).await;
            site.agents.gate.notify_one();
            (refused, health)
        };
        let (first, (second, health)) = futures::future::join(first, second).await;
        assert_eq!((first.status, second.problem().0, health.status), (200, 503, 200));
        assert_eq!(second.header("retry-after"), Some("1"));
        assert_eq!(list().at(site).await.status, 200);
    });
}

#[tokio::test]
async fn only_this_machine_is_served_and_no_weak_token() {
    let bind = async |listen: &str, token: &str| {
        let agents = std::sync::Arc::new(Told::default());
        let (listen, token) = (listen.to_owned(), Secret::new(token.to_owned()));
        let (tls, hosts, limits) = (None, Vec::new(), Limits::default());
        Server::bind(Options { listen, tls, hosts, token, agents, limits }).await
    };
    let outside = bind("0.0.0.0:0", TOKEN).await.unwrap_err();
    assert!(outside.code == "BTG0001" && outside.message.contains("TLS"), "{outside:?}");
    assert_eq!(bind("127.0.0.1:0", "secret").await.unwrap_err().code, "BTG0013");
    let server = bind("localhost:0", TOKEN).await.unwrap();
    assert_eq!(server.url(), format!("http://{}", server.address()));
    let taken = bind(&server.address().to_string(), TOKEN).await.unwrap_err();
    assert!(taken.code == "BTG0023" && taken.message.starts_with("can't listen at"), "{taken:?}");
}
