//! Every endpoint does what it says.

use bottega_api::{ApiError, codes};
use bottega_server::Limits;
use serde_json::{Value, json};

use crate::world::{Ask, agents, entry, get, mail, post, published, served, subscription};

const DEPLOY: &str = r#"{"manifest": "name = \"x\"", "module": "AGFzbQ==", "config": {"a": 1}}"#;

/// One request, the status and body it is answered with, and what reached the agents.
#[track_caller]
fn check(request: Ask, status: u16, body: &Value, call: &str) {
    served(Limits::default(), async |site| {
        // The one call that waits may go on.
        site.agents.gate.notify_one();
        let came = request.at(site).await;
        assert_eq!((came.status, site.agents.calls()), (status, vec![call.to_owned()]), "{came:?}");
        let came = if came.body.is_empty() { Value::Null } else { came.json() };
        assert_eq!(&came, body);
    });
}

fn value(view: &impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap()
}

#[test]
fn agents_are_looked_at() {
    let line = |path: &str| Ask::new(&format!("GET {path}"));
    check(line("/v1/agents"), 200, &value(&agents()), "list");
    check(line("/v1/agents/echo@local"), 200, &value(&agents()[0]), "show echo@local");
    check(line("/v1/agents/od%22d%5Cname"), 200, &value(&agents()[1]), "show od\"d\\name");
    let events = json!([{"at_ms": 1000, "kind": "agent.started", "data": {"version": "0.1.0"}}]);
    check(line("/v1/agents/echo/events"), 200, &events, "events echo 100");
    check(line("/v1/agents/echo/events?limit=7"), 200, &events, "events echo 7");
    let query = "/v1/agents/echo/events?after=0&limit=7";
    check(line(query), 200, &events, "events echo 7 after 0");
    check(line("/v1/agents/echo/mail"), 200, &value(&mail()), "mail echo");
}

#[test]
fn agents_are_worked_with() {
    let line = |line: &str| Ask::new(line);
    let echo = value(&agents()[0]);
    let deployed = "deploy \"name = \\\"x\\\"\" 8 bytes None {\"a\":1}";
    check(line("POST /v1/agents").json(DEPLOY), 201, &echo, deployed);
    let upgraded = "upgrade echo \"name = \\\"x\\\"\"";
    check(line("POST /v1/agents/echo/upgrade").json(DEPLOY), 200, &echo, upgraded);
    for (path, call) in
        [("start", "start"), ("stop", "stop"), ("restart", "restart"), ("rollback", "roll_back")]
    {
        let request = line(&format!("POST /v1/agents/echo/{path}"));
        check(request, 200, &echo, &format!("{call} echo"));
    }
    check(line("DELETE /v1/agents/echo"), 204, &Value::Null, "remove echo");
    check(line("POST /v1/agents/echo/mail/m2/resend"), 204, &Value::Null, "resend echo m2");
}

#[test]
fn messages_are_sent_and_asked() {
    let receipt = json!({"id": "m3", "repeated": false});
    let send = |body: &str| Ask::new("POST /v1/messages").json(body);
    check(
        send(
            r#"{"message": {"performative": "inform"}, "delivery": "durable", "idempotency_key": "k"}"#,
        ),
        202,
        &receipt,
        "send {\"performative\":\"inform\"} Some(Durable) Some(\"k\")",
    );
    let plain = r#"{"message": {}}"#;
    for key in ["k", "\"k\""] {
        let request = send(plain).with("Idempotency-Key", key);
        check(request, 202, &receipt, "send {} None Some(\"k\")");
    }
    let both = send(r#"{"message": {}, "idempotency_key": "k"}"#).with("Idempotency-Key", "k");
    check(both, 202, &receipt, "send {} None Some(\"k\")");
    check(
        Ask::new("POST /v1/messages/ask").json(r#"{"message": {}, "timeout_ms": 5}"#),
        200,
        &json!({"message": {"performative": "inform", "content": "Hello"}}),
        "ask {} Some(5)",
    );
}

#[test]
fn many_are_told_and_the_blackboard_is_written() {
    let body = r#"{"agent": "echo", "pattern": "orders.>"}"#;
    let told = r#"{"agent":"echo","pattern":"orders.>"}"#;
    let post = |path: &str, body: &str| Ask::new(&format!("POST {path}")).json(body);
    let subscribe = format!("subscribe {told}");
    check(post("/v1/subscriptions", body), 200, &value(&subscription()), &subscribe);
    let ended = format!("unsubscribe {told}");
    check(post("/v1/subscriptions/end", body), 204, &Value::Null, &ended);
    let list = Ask::new("GET /v1/subscriptions?agent=a%20b");
    check(list, 200, &value(&[subscription()]), "subscriptions Some(\"a b\")");
    let publish = post("/v1/topics/orders.new/messages", r#"{"content": 7}"#);
    check(publish, 202, &value(&published()), r#"publish orders.new {"content":7}"#);
    let list = Ask::new("GET /v1/blackboard?limit=9&prefix=work");
    check(list, 200, &value(&[entry()]), "entries \"work\" 9");
    check(Ask::new("GET /v1/blackboard"), 200, &value(&[entry()]), "entries \"\" 100");
    check(Ask::new("GET /v1/blackboard/a.b"), 200, &value(&entry()), "entry a.b");
    let write = post("/v1/blackboard/a.b", r#"{"value": null, "expected_version": 0}"#);
    check(write, 200, &value(&entry()), r#"write a.b {"value":null,"expected_version":0}"#);
    check(post("/v1/blackboard/a.b/take", "{}"), 200, &value(&entry()), "take a.b {}");
}

#[test]
fn what_was_made_has_an_address() {
    served(Limits::default(), async |site| {
        let made = post(site, "/v1/agents", DEPLOY).await;
        assert_eq!(made.header("location"), Some("/v1/agents/echo@local"));
    });
}

#[test]
fn health_needs_no_token_and_says_what_is_missing() {
    served(Limits::default(), async |site| {
        let health = async |path: &str| {
            Ask::new(&format!("GET /health/{path}")).without("Authorization").at(site).await
        };
        assert_eq!(health("live").await.json(), json!({"live": true}));
        let ready = health("ready").await;
        assert_eq!((ready.status, ready.json()), (200, json!({"ready": true, "not_ready": []})));
        let secret = "`/home/ada/journal.db` is damaged";
        site.agents.refuse(ApiError::new(codes::DAMAGED, secret));
        let unready = health("ready").await;
        let expected = json!({"ready": false, "not_ready": [{"what": "agents", "why": "BTG0011"}]});
        assert_eq!((unready.status, unready.json()), (503, expected));
    });
}

#[test]
fn requests_have_names() {
    served(Limits::default(), async |site| {
        let named = Ask::new("GET /v1/agents").with("X-Request-Id", "build-17").at(site).await;
        assert_eq!(named.header("x-request-id"), Some("build-17"));
        let first = get(site, "/v1/agents").await;
        let second = Ask::new("GET /v1/agents").with("X-Request-Id", "no name").at(site).await;
        let (first, second) = (first.header("x-request-id"), second.header("x-request-id"));
        assert!(first.unwrap().starts_with("req_") && second.unwrap().starts_with("req_"));
        assert_ne!(first, second);
    });
}

#[test]
fn figures_can_be_read() {
    served(Limits::default(), async |site| {
        get(site, "/v1/agents").await;
        get(site, "/v1/agents/nobody").await;
        get(site, "/v1/agents/echo").await;
        get(site, "/nowhere").await;
        Ask::new("PUT /v1/agents").at(site).await;
        let metrics = get(site, "/metrics").await;
        assert_eq!(
            metrics.header("content-type"),
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        let (_, after) = metrics.body.split_once("bottega_uptime_seconds gauge\n").unwrap();
        let (uptime, rest) = after.split_once('\n').unwrap();
        assert!(uptime.strip_prefix("bottega_uptime_seconds ").unwrap().parse::<u64>().is_ok());
        // Those before may be seen to be over a moment later.
        let open = rest.lines().find(|line| line.starts_with("bottega_connections_open")).unwrap();
        insta::assert_snapshot!(rest.replace(open, "bottega_connections_open [some]"));
        site.agents.refuse(ApiError::new(codes::STORE, "gone"));
        let without = get(site, "/metrics").await.body;
        assert!(without.contains("bottega_agents_listed 0\n"), "{without}");
        assert!(!without.contains("bottega_agents{"), "{without}");
    });
}

#[test]
fn what_is_under_way_ends_before_the_server_does() {
    served(Limits::default(), async |site| {
        let request = Ask::new("POST /v1/agents/echo/restart").at(site);
        let stop = async {
            site.agents.begun.notified().await;
            drop(site.stop.lock().unwrap().take());
            // Whoever comes now is not taken in, and what is under way may go on.
            site.agents.gate.notify_one();
        };
        let (came, ()) = futures::future::join(request, stop).await;
        assert_eq!(came.status, 200, "{came:?}");
    });
}

#[test]
fn what_never_ends_does_not_hold_the_server_for_ever() {
    let limits = Limits { drain: std::time::Duration::ZERO, ..Limits::default() };
    served(limits, async |site| {
        let request = Ask::new("POST /v1/agents/echo/restart").at(site);
        let stop = async {
            site.agents.begun.notified().await;
            drop(site.stop.lock().unwrap().take());
        };
        // The request is dropped with the runtime; the server's own end is what `served` waits for.
        futures::future::select(Box::pin(request), Box::pin(stop)).await;
    });
}

#[test]
fn whoever_is_still_under_way_at_the_end_is_told_so() {
    let limits = Limits { drain: std::time::Duration::from_secs(1), ..Limits::default() };
    served(limits, async |site| {
        let request = Ask::new("POST /v1/agents/echo/restart").at(site);
        let stop = async {
            site.agents.begun.notified().await;
            drop(site.stop.lock().unwrap().take());
        };
        let (came, ()) = futures::future::join(request, stop).await;
        let (status, code) = (came.problem().0, came.problem().1);
        assert_eq!((status, &*code), (503, "BTG0023"), "{came:?}");
    });
}

#[test]
fn whoever_waits_for_a_message_does_not_hold_up_the_end() {
    served(Limits::default(), async |site| {
        let request = Ask::new("GET /v1/agents/silent/inbox?wait_ms=60000").at(site);
        let stop = async {
            site.agents.begun.notified().await;
            drop(site.stop.lock().unwrap().take());
        };
        let (came, ()) = futures::future::join(request, stop).await;
        assert_eq!((came.status, came.json()), (200, json!({ "waiting": null })));
    });
}

#[test]
fn a_list_comes_in_pages() {
    served(Limits::default(), async |site| {
        let first = get(site, "/v1/agents?limit=1").await;
        assert_eq!(first.json(), json!([value(&agents()[0])]));
        let next = "</v1/agents?limit=1&cursor=echo%40local>; rel=\"next\"";
        assert_eq!(first.header("link"), Some(next));
        let second = get(site, "/v1/agents?limit=1&cursor=echo%40local").await;
        assert_eq!((second.json(), second.header("link")), (json!([value(&agents()[1])]), None));
        let behind = get(site, "/v1/agents?cursor=zzz").await;
        assert_eq!((behind.json(), behind.header("link")), (json!([]), None));
        assert_eq!(get(site, "/v1/agents").await.header("link"), None);
        for slip in ["limit=0", "limit=1001", "limit=x", "page=2"] {
            let refused = get(site, &format!("/v1/agents?{slip}")).await;
            assert_eq!(refused.problem().0, 400, "{slip}");
        }
        let mail = get(site, "/v1/agents/echo/mail?limit=1").await;
        assert_eq!(mail.json()[0]["id"], "m1");
        let next = "</v1/agents/echo/mail?limit=1&cursor=1>; rel=\"next\"";
        assert_eq!(mail.header("link"), Some(next));
        let rest = get(site, "/v1/agents/echo/mail?limit=1&cursor=1").await;
        assert_eq!((&rest.json()[0]["id"], rest.header("link")), (&json!("m2"), None));
        // What grows at its end alone goes on after so many.
        for path in ["/v1/conversations/cnv_1", "/v1/tenders/tnd_1/events"] {
            let all = get(site, path).await.json();
            let (count, mut paged, mut cursor) = (all.as_array().unwrap().len(), Vec::new(), 0);
            loop {
                let page = get(site, &format!("{path}?limit=1&cursor={cursor}")).await;
                paged.extend(page.json().as_array().unwrap().iter().cloned());
                cursor += 1;
                let next = format!("<{path}?limit=1&cursor={cursor}>; rel=\"next\"");
                assert_eq!(page.header("link"), (cursor < count).then_some(next.as_str()));
                if cursor >= count {
                    break;
                }
            }
            assert_eq!(json!(paged), all);
            let refused = get(site, &format!("{path}?cursor=m1")).await;
            assert_eq!(refused.problem().0, 400);
        }
        let newest = get(site, "/v1/tenders?cursor=tnd_2").await;
        assert_eq!(newest.json().as_array().unwrap().len(), 1);
        let oldest = get(site, "/v1/tenders?cursor=tnd_1").await;
        assert_eq!(oldest.json(), json!([]));
    });
}
