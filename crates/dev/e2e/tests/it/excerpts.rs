//! A huge tool output costs the window what its excerpt costs; the whole stays in the journal.

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::home::Home;
use crate::provider::Provider;

/// What all other messages and the tools weigh at most, and what an excerpt may weigh.
const ROOM: usize = 64 * 1_024;

#[track_caller]
fn check(call: Saying) {
    let home = Home::new();
    let lines: String = (0..560_000).map(|number| format!("n {number:06}\n")).collect();
    assert!(lines.len() > 5_000_000);
    home.write("huge.txt", &lines);
    let server = ScriptedServer::of_turns([call, Saying::text("Long.")]).unwrap();
    home.run(&Provider::usual(&server), &["task"]).finish().done();
    let next = &server.asked()[1];
    assert!(next.raw.len() < ROOM, "{} bytes", next.raw.len());
    assert!(String::from_utf8_lossy(&next.raw).contains("n 000000"));
}

#[test]
fn of_a_command() {
    check(Saying::call("shell", json!({ "command": "cat huge.txt" }).to_string()));
}

#[test]
fn of_a_file() {
    check(Saying::call("read_file", json!({ "path": "huge.txt" }).to_string()));
}

#[test]
fn of_a_search() {
    check(Saying::call("grep", json!({ "pattern": "n " }).to_string()));
}
