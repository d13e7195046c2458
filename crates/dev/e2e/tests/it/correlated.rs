//! What one request causes is told of under one trace, whoever does it and whichever process.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bottega_testkit::{Saying, ScriptedServer, Serving};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::home::Home;
use crate::live::{Live, PATIENCE};
use crate::provider::Provider;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// Names of the prices' model in all scenarios here.
const SETTINGS: &str = "[log]\nfilter = \"debug\"\nformat = \"json\"\n\
    [models.prices.\"openrouter/scripted-large\"]\ninput = \"1\"\noutput = \"2\"\n";

fn serve(home: &Home, provider: &Provider<'_>) -> (Live, String) {
    let words = ["serve", "--listen", "127.0.0.1:0", "--json"];
    let mut server = home.bottega(&words).with(provider).start();
    let line = server.wait_for(|event| event["serving"]["url"].is_string());
    (server, line["serving"]["url"].as_str().unwrap().to_owned())
}

fn deploy(home: &Home) {
    let head =
        "name: clerk\nmodel: openrouter/scripted-large\ntools: [write_file]\nservices: [filing]";
    home.write("clerk.md", format!("---\n{head}\nbudget: 0.4\n---\nYou file.\n"));
    home.bottega(&["agent", "deploy", "clerk.md"]).finish().done();
}

/// Posts JSON within the trace of these scenarios; the answer, head and all.
fn post(home: &Home, url: &str, path: &str, body: &Value) -> String {
    let token = fs::read_to_string(home.own_files().join("data/server-token")).unwrap();
    let (host, body) = (url.strip_prefix("http://").unwrap(), body.to_string());
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nX-Request-Id: walk-1\r\n\
         Traceparent: {PARENT}\r\nTracestate: vendor=one\r\n\r\n",
        token.trim(),
        body.len(),
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn message(receiver: &str, content: &str) -> Value {
    json!({"performative": "request", "receiver": [receiver], "content": content})
}

fn end(server: Live) -> Vec<Value> {
    server.signal(Signal::TERM);
    lines(&server.finish().done().stderr)
}

fn lines(errors: &str) -> Vec<Value> {
    errors.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Every step whose name begins so, and that there is one, belongs to the request.
#[track_caller]
fn check(lines: &[Value], step: &str) {
    let named = |line: &&Value| {
        let name = line["fields"]["step"].as_str();
        name.is_some_and(|name| name.starts_with(step))
    };
    let of: Vec<&Value> = lines.iter().filter(named).collect();
    let ours = |line: &&&Value| line["trace_id"] == TRACE && line["request"] == "walk-1";
    assert!(of.iter().any(|line| ours(&line)), "no line of `{step}` is of this trace: {of:#?}");
}

#[test]
fn one_request_is_one_trace_through_agents_models_and_tools() {
    let home = Home::new();
    home.settings(SETTINGS);
    let write = json!({"path": "filed.md", "content": "one\n"}).to_string();
    let turns = [Saying::call("write_file", write), Saying::text("Filed under F.")];
    let server = ScriptedServer::of_turns(turns).unwrap();
    let provider = Provider::usual(&server);
    let (live, url) = serve(&home, &provider);
    deploy(&home);
    // The market is an agent: it asks who offers this, and who wins asks a model, which calls a tool.
    let order = json!({"task": "file it", "skill": "filing", "budget": 1_000_000_000}).to_string();
    let ask = json!({"message": message("market@local", &order)});
    let answer = post(&home, &url, "/v1/messages/ask", &ask);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let head = answer.to_ascii_lowercase();
    assert!(head.contains(&format!("traceparent: 00-{TRACE}-")), "{answer}");
    assert!(head.contains("tracestate: vendor=one"), "{answer}");
    let done = || home.view(&["tender", "list"])[0]["state"] == "done";
    crate::served::wait_until(done);
    // What was stored of it is the same tree, by the trace and by the tender.
    let trace = home.view(&["message", "trace", TRACE]);
    let tender = home.view(&["tender", "list"])[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(trace, home.view(&["message", "trace", &tender]));
    let steps = trace["steps"].as_array().unwrap();
    let shown = steps.iter().map(|step| {
        let depth = usize::try_from(step["depth"].as_u64().unwrap()).unwrap();
        format!("{}{} {}", "  ".repeat(depth), step["name"].as_str().unwrap(), step["outcome"])
    });
    let shown: Vec<String> = shown.map(|line| line.replace('"', "")).collect();
    let expected = [
        "tender filing by asker",
        "  cfp market@local → clerk@local ok",
        "    propose clerk@local → market@local ok",
        "  accept-proposal market@local → clerk@local ok",
        "    session of clerk@local ok",
        "      openrouter/scripted-large ok",
        "      write_file ok",
        "      openrouter/scripted-large ok",
        "    inform clerk@local → market@local ok",
    ];
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (line, expected) in shown.iter().zip(expected) {
        assert!(line.starts_with(expected), "{shown:#?}");
    }
    assert!(trace["cost_usd"].as_f64().unwrap() > 0.0, "{trace:#}");
    assert_eq!(home.view(&["agent", "show", "clerk"])["cost_usd"], trace["cost_usd"]);
    let lines = end(live);
    for step in [
        "POST /v1/messages/ask",
        "invoke_agent market@local",
        "invoke_agent clerk@local",
        "session",
        "chat scripted-large",
        "execute_tool write_file",
    ] {
        check(&lines, step);
    }
    let of_clerk =
        lines.iter().filter(|line| line["trace_id"] == TRACE && line["agent"] == "clerk@local");
    let said: Vec<&Value> = of_clerk.collect();
    assert!(said.iter().all(|line| line["conversation"].is_string()), "{said:#?}");
    // What was said is in no line of it.
    assert!(said.iter().all(|line| !line.to_string().contains("Filed under F.")), "{said:#?}");
    home.audit();
}

#[test]
fn a_trace_goes_on_in_the_next_process() {
    let home = Home::new();
    home.settings(SETTINGS);
    let turns = [Saying::text("Done.")];
    // The first question hangs until the server is killed.
    let server = ScriptedServer::of_turns_with(turns, [(0, Serving::silence())]).unwrap();
    let provider = Provider::usual(&server);
    let (live, url) = serve(&home, &provider);
    deploy(&home);
    let send = json!({"message": message("clerk@local", "File it.")});
    let answer = post(&home, &url, "/v1/messages", &send);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(server.wait_for_questions(1, PATIENCE));
    live.kill();

    let (live, _) = serve(&home, &provider);
    assert!(server.wait_for_questions(2, PATIENCE));
    crate::served::wait_until(|| home.view(&["agent", "show", "clerk"])["under_way"] == 0);
    let lines = end(live);
    check(&lines, "invoke_agent clerk@local");
    check(&lines, "chat scripted-large");
    home.audit();
}

#[test]
fn an_answer_is_followed_while_it_is_made() {
    let home = Home::new();
    home.settings(SETTINGS);
    let write = json!({"path": "filed.md", "content": "one\n"}).to_string();
    let turns = [Saying::call("write_file", write), Saying::text("Filed under F.")];
    let server = ScriptedServer::of_turns(turns).unwrap();
    let provider = Provider::usual(&server);
    let (live, _) = serve(&home, &provider);
    deploy(&home);
    let ask = home.bottega(&["message", "ask", "clerk", "File it.", "--follow", "--json"]);
    let told = ask.finish().done().stdout;
    let steps: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (answer, progress) = steps.split_last().unwrap();
    assert_eq!(answer["kind"], "answer");
    assert_eq!(answer["message"]["content"], "Filed under F.");
    assert!(progress.iter().all(|step| step["agent"] == "clerk@local"), "{told}");
    let kinds: Vec<&str> =
        progress.iter().map(|step| step["event"]["type"].as_str().unwrap()).collect();
    for kind in ["session", "turn", "tool_call", "tool_result", "message", "ended"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    end(live);
    home.audit();
}
