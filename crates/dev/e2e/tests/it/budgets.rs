//! A limit ends a run with 3, before it is overrun.

use bottega_testkit::{Close, Saying, ScriptedServer, Serving, WireProtocol};
use serde_json::json;

use crate::home::Home;
use crate::live::PATIENCE;
use crate::provider::Provider;

/// A model that never comes to an end, each answer for so many tokens.
fn endless(input: u64, output: u64) -> ScriptedServer {
    ScriptedServer::start(move |asked| {
        let look = json!({ "path": "greeting.txt", "start_line": 1, "line_count": asked.turn + 1 });
        Saying::call("read_file", look.to_string()).costing(input, output).into()
    })
    .unwrap()
}

#[track_caller]
fn check(server: &ScriptedServer, limit: &[&str], why: &str, questions: usize) {
    let home = Home::new();
    let words = [limit, &["task"]].concat();
    let provider = Provider::new(WireProtocol::Anthropic, server);
    let run = home.run(&provider, &words).finish().with_code(3);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains(why), "{}", run.stderr);
    assert_eq!(server.asked().len(), questions);
    home.audit();
}

#[test]
fn turns() {
    check(&endless(100, 10), &["--max-turns", "2"], "2 turns", 2);
}

#[test]
fn tokens_that_cover_no_question_ask_none() {
    check(&endless(100, 10), &["--max-tokens", "50"], "budget", 0);
}

#[test]
fn money_that_covers_no_question_asks_none() {
    check(&endless(100, 10), &["--max-cost", "0.00001"], "budget", 0);
}

#[test]
fn tokens_are_never_overrun() {
    let server = endless(20_000, 1_000);
    let home = Home::new();
    let provider = Provider::new(WireProtocol::Anthropic, &server);
    let words = ["--max-tokens", "100000", "--json", "task"];
    let run = home.run(&provider, &words).finish().with_code(3);
    let spent = 21_000 * server.asked().len();
    assert!((21_000..=100_000).contains(&spent), "{spent} tokens: {}", run.stderr);
}

#[test]
fn time() {
    let server = ScriptedServer::start(|_| Serving::silence()).unwrap();
    check(&server, &["--max-time", "3s"], "time limit", 1);
    assert_eq!(server.wait_for_close(0, PATIENCE), Some(Close::Left));
}
