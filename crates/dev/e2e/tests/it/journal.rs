//! The journal: whole after every run, exported whole, and a changed byte is found and named.

use std::fs;

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::{Value, json};

use crate::home::Home;
use crate::provider::Provider;

const WORDS: &str = "count the purple elephants";

fn worked() -> Home {
    let home = Home::new();
    let server = ScriptedServer::of_turns([
        Saying::call("shell", json!({ "command": "echo 7" }).to_string()),
        Saying::text("Seven."),
    ])
    .unwrap();
    for _ in 0..2 {
        home.run(&Provider::usual(&server), &[WORDS]).finish().done();
    }
    home
}

#[test]
fn it_is_exported_whole() {
    let home = worked();
    home.audit();
    let records = home.records();
    let report = home.view(&["audit", "verify"]);
    assert_eq!(report["verified"], records.len(), "{report}");
    let text = serde_json::to_string(&records).unwrap();
    for kind in ["session.started", "model.answered", "tool.finished", "session.ended"] {
        assert_eq!(text.matches(&format!("\"{kind}\"")).count() % 2, 0, "{kind}");
        assert!(text.contains(kind), "{kind}");
    }
}

#[test]
fn a_flipped_byte_is_found_and_named() {
    let home = worked();
    let is_task = |record: &Value| record["kind"] == "session.tasked";
    let tasked = home.records().iter().find(|record| is_task(record)).unwrap()["position"].clone();
    let mut bytes = fs::read(home.journal()).unwrap();
    let places: Vec<usize> = bytes
        .windows(WORDS.len())
        .enumerate()
        .filter(|(_, window)| *window == WORDS.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty(), "the task stands in the journal's file");
    for place in places {
        bytes[place] ^= 0x01;
    }
    fs::write(home.journal(), bytes).unwrap();

    let verified = home.bottega(&["audit", "verify", "--json"]).finish().with_code(1);
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(report["broken_at"], tasked, "{report}");
    assert!(verified.stderr.contains("BTG0011"), "{}", verified.stderr);
}
