//! A collector of OpenTelemetry is told what was done, and work never waits for one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bottega_testkit::{FakeCollector, Reception, Saying, ScriptedServer, SeenSpan};
use rustix::process::Signal;
use serde_json::json;

use crate::home::Home;
use crate::provider::{KEY, Provider};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const ASKER: &str = "00f067aa0ba902b7";
/// What is said by somebody in these scenarios, and no telemetry may have.
const SAID: [&str; 5] =
    ["File the secret plan", "Filed under F", "contents-of-a-file", KEY, "hush"];

fn settings(home: &Home, collector: &FakeCollector) {
    home.settings(&format!(
        "[telemetry]\nendpoint = \"{}\"\nheaders.x-key = \"${{COLLECTOR_KEY}}\"\n\
         [models.prices.\"openrouter/scripted-large\"]\ninput = \"1\"\noutput = \"2\"\n",
        collector.url()
    ));
}

fn turns() -> [Saying; 2] {
    let write = json!({"path": "filed.md", "content": "contents-of-a-file\n"}).to_string();
    [Saying::call("write_file", write), Saying::text("Filed under F.")]
}

#[track_caller]
fn named<'s>(spans: &'s [SeenSpan], name: &str) -> &'s SeenSpan {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {spans:#?}"))
}

/// Each is the parent of the next, and all are of one trace.
#[track_caller]
fn check_line(spans: &[SeenSpan], names: &[&str]) {
    for pair in names.windows(2) {
        let (parent, child) = (named(spans, pair[0]), named(spans, pair[1]));
        assert_eq!(child.parent.as_ref(), Some(&parent.span), "{} of {}", pair[1], pair[0]);
        assert_eq!(child.trace, parent.trace);
        assert!(child.begun >= parent.begun, "{child:#?} began before {parent:#?}");
    }
}

#[track_caller]
fn check_silent(collector: &FakeCollector) {
    for said in SAID {
        assert!(!collector.was_told(said), "the collector was told `{said}`");
    }
}

#[test]
fn a_request_is_one_tree_of_spans_and_its_metrics_arrive() {
    let home = Home::new();
    let collector = FakeCollector::start(|_| Reception::Takes).unwrap();
    settings(&home, &collector);
    let server = ScriptedServer::of_turns(turns()).unwrap();
    let provider = Provider::usual(&server);
    let words = ["serve", "--listen", "127.0.0.1:0", "--json"];
    let mut live = home.bottega(&words).with(&provider).env("COLLECTOR_KEY", "hush").start();
    let line = live.wait_for(|event| event["serving"]["url"].is_string());
    let host = line["serving"]["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let head = "name: clerk\nmodel: openrouter/scripted-large\ntools: [write_file]";
    home.write("clerk.md", format!("---\n{head}\nbudget: 0.4\n---\nYou file.\n"));
    home.bottega(&["agent", "deploy", "clerk.md"]).finish().done();

    let token = fs::read_to_string(home.own_files().join("data/server-token")).unwrap();
    let message = json!({"performative": "request", "receiver": ["clerk@local"], "conversation-id": "case-7", "content": SAID[0]});
    let body = json!({"message": message}).to_string();
    let mut stream = TcpStream::connect(&host).unwrap();
    let head = format!(
        "POST /v1/messages/ask HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Traceparent: 00-{TRACE}-{ASKER}-01\r\n\r\n",
        token.trim(),
        body.len(),
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    live.signal(Signal::TERM);
    live.finish().done();

    let spans: Vec<SeenSpan> =
        collector.spans().into_iter().filter(|span| span.trace == TRACE).collect();
    let request = named(&spans, "POST /v1/messages/ask");
    assert_eq!((request.parent.as_deref(), request.kind.as_str()), (Some(ASKER), "SERVER"));
    let down = ["POST /v1/messages/ask", "invoke_agent clerk@local", "session"];
    check_line(&spans, &[&down[..], &["chat scripted-large"]].concat());
    check_line(&spans, &[&down[..], &["execute_tool write_file"]].concat());
    let chat = named(&spans, "chat scripted-large");
    let told = |name: &str| chat.attributes.get(name).map(String::as_str);
    assert_eq!(told("gen_ai.operation.name"), Some("chat"));
    assert_eq!(told("gen_ai.provider.name"), Some("openrouter"));
    assert_eq!(told("gen_ai.request.model"), Some("scripted-large"));
    assert_eq!(chat.kind, "CLIENT");
    assert!(told("gen_ai.usage.input_tokens").is_some(), "{chat:#?}");
    let agent = named(&spans, "invoke_agent clerk@local");
    assert_eq!(agent.attributes["gen_ai.agent.name"], "clerk@local");
    assert_eq!(agent.attributes["gen_ai.conversation.id"], "case-7");

    for name in [
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "bottega.model.cost",
        "bottega.tool.duration",
        "http.server.request.duration",
        "bottega.agent.mailbox.depth",
        "bottega.agent.handled",
    ] {
        assert!(collector.metric(name).is_some_and(|it| !it.points.is_empty()), "no {name}");
    }
    assert_eq!(collector.header("x-key").as_deref(), Some("hush"));
    assert_eq!(collector.resource("service.name").as_deref(), Some("bottega"));
    check_silent(&collector);
    home.audit();
}

#[test]
fn a_run_by_itself_is_the_root_of_its_spans() {
    let home = Home::new();
    let collector = FakeCollector::start(|_| Reception::Takes).unwrap();
    settings(&home, &collector);
    let server = ScriptedServer::of_turns(turns()).unwrap();
    let run = home.run(&Provider::usual(&server), &[SAID[0]]);
    let run = run.env("COLLECTOR_KEY", "hush");
    run.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test%20bench").finish().done();
    let spans = collector.spans();
    let root = named(&spans, "invoke_agent coder");
    assert_eq!((&root.parent, root.kind.as_str()), (&None, "INTERNAL"));
    check_line(&spans, &["invoke_agent coder", "chat scripted-large"]);
    check_line(&spans, &["invoke_agent coder", "execute_tool write_file"]);
    assert!(spans.iter().all(|span| span.trace == root.trace), "{spans:#?}");
    let environment = collector.resource("deployment.environment.name");
    assert_eq!(environment.as_deref(), Some("test bench"));
    check_silent(&collector);
}

/// A run ends as it would without a collector, with one warning at most.
#[track_caller]
fn check(collector: &FakeCollector) {
    let home = Home::new();
    settings(&home, collector);
    let server = ScriptedServer::of_turns(turns()).unwrap();
    let run = home.run(&Provider::usual(&server), &[SAID[0]]);
    let ended = run.env("COLLECTOR_KEY", "hush").finish().done();
    assert!(ended.stdout.contains("Filed under F."), "{}", ended.stdout);
    let warnings = ended.stderr.matches("collector").count();
    assert!(warnings <= 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    home.audit();
}

#[test]
fn a_collector_that_is_away_slow_or_refuses_changes_nothing() {
    check(&FakeCollector::start(|_| Reception::Status(401, None)).unwrap());
    check(&FakeCollector::start(|_| Reception::Status(429, Some("50"))).unwrap());
    check(&FakeCollector::start(|_| Reception::Status(500, None)).unwrap());
    check(&FakeCollector::start(|_| Reception::Silent).unwrap());
}

#[test]
fn nothing_is_sent_where_it_is_switched_off() {
    let home = Home::new();
    let collector = FakeCollector::start(|_| Reception::Takes).unwrap();
    let server = ScriptedServer::of_turns(turns()).unwrap();
    let run = home.run(&Provider::usual(&server), &[SAID[0]]);
    let run = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    run.env("OTEL_SDK_DISABLED", "true").finish().done();
    assert_eq!(collector.requests(), 0);
    let run = home.run(&Provider::usual(&server), &[SAID[0]]);
    let run = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    run.env("OTEL_METRICS_EXPORTER", "none").finish().done();
    assert!(!collector.spans().is_empty());
    assert!(collector.metric("gen_ai.client.token.usage").is_none());
}

#[test]
fn a_variable_that_can_not_be_read_is_told_and_stops_nothing() {
    let home = Home::new();
    let server = ScriptedServer::of_turns(turns()).unwrap();
    let run = home.run(&Provider::usual(&server), &[SAID[0]]);
    let ended = run.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").finish().done();
    assert!(ended.stderr.contains("OTEL_EXPORTER_OTLP_PROTOCOL"), "{}", ended.stderr);
}
