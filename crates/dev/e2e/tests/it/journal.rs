//! The journal: whole after every run, exported whole, and a changed byte is found and named.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

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

#[test]
fn a_flipped_byte_of_a_blob_is_found() {
    // Records are JSON, where a line's end is escaped: these bytes stand in the blob only.
    const BLOB: &str = "seven purple\nelephants\n";
    let home = Home::new();
    let arguments = json!({ "path": "herd.txt", "content": BLOB });
    let server = ScriptedServer::of_turns([
        Saying::call("write_file", arguments.to_string()),
        Saying::text("Written."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &[WORDS]).finish().done();
    let whole = home.view(&["audit", "verify"]);
    assert_eq!((&whole["missing_blobs"], &whole["blobs"]), (&json!(0), &json!(1)), "{whole}");

    let mut bytes = fs::read(home.journal()).unwrap();
    let found = bytes.windows(BLOB.len()).position(|window| window == BLOB.as_bytes());
    bytes[found.expect("the file's bytes stand in the journal's file")] ^= 0x01;
    fs::write(home.journal(), bytes).unwrap();
    let verified = home.bottega(&["audit", "verify", "--json"]).finish().with_code(1);
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(report["damaged_blobs"].as_array().map(Vec::len), Some(1), "{report}");
    assert!(verified.stderr.contains("BTG0011"), "{}", verified.stderr);
}

/// Nobody can write it: it can be read all the same, and the doctor says so.
#[test]
fn a_write_protected_journal_is_read() {
    let home = worked();
    let protect = |mode| {
        fs::set_permissions(home.journal(), fs::Permissions::from_mode(mode)).unwrap();
    };
    protect(0o400);
    let listed = home.view(&["sessions", "list"]);
    assert!(listed.to_string().contains(WORDS), "{listed}");
    home.view(&["cost"]);
    let told = home.bottega(&["doctor", "--json"]).finish();
    protect(0o600);
    assert!(told.stdout.contains("it can't be written"), "{}", told.stdout);
}
