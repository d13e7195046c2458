//! Undo takes back the folders that a session made, and no other.

use std::fs;

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::home::Home;
use crate::provider::Provider;

#[test]
fn folders_that_were_made_go_and_those_that_were_there_stay() {
    let home = Home::new();
    fs::create_dir_all(home.workspace().join("empty")).unwrap();
    let write = |path: &str| {
        Saying::call("write_file", json!({ "path": path, "content": "x\n" }).to_string())
    };
    let server = ScriptedServer::of_turns([
        write("made/deep/one.txt").and_call(
            "write_file",
            json!({ "path": "made/two.txt", "content": "x\n" }).to_string(),
        ),
        write("empty/inner/three.txt"),
        write("shared/four.txt"),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["make files"]).finish().done();
    home.write("shared/mine.txt", "mine\n");
    let there = |path: &str| home.workspace().join(path).exists();

    home.bottega(&["sessions", "undo", "last", "--steps", "1"]).finish().done();
    assert!(!there("shared/four.txt") && there("shared/mine.txt") && there("made/deep/one.txt"));
    home.bottega(&["sessions", "undo", "last"]).finish().done();
    assert!(!there("made") && !there("empty/inner"));
    assert!(there("empty") && there("shared/mine.txt"));
    home.audit();
}

#[test]
fn what_a_command_changed_is_taken_back_to_the_byte() {
    let home = Home::new();
    home.write("kept.txt", "kept\n");
    home.write("changed.txt", "before\r\n");
    home.write("gone/deep.txt", "deep\n");
    let command = "printf 'after' > changed.txt; rm -r gone; printf x > gone; mkdir -p new/er && cp kept.txt new/er/";
    let server = ScriptedServer::of_turns([
        Saying::call("shell", json!({ "command": command }).to_string()),
        Saying::text("Done."),
    ])
    .unwrap();
    home.run(&Provider::usual(&server), &["tidy up"]).finish().done();
    let read = |path: &str| fs::read_to_string(home.workspace().join(path)).ok();
    assert_eq!(
        (read("changed.txt").as_deref(), read("gone").as_deref()),
        (Some("after"), Some("x"))
    );

    home.bottega(&["sessions", "undo", "last"]).finish().done();
    assert_eq!(read("changed.txt").as_deref(), Some("before\r\n"));
    assert_eq!(read("gone/deep.txt").as_deref(), Some("deep\n"));
    assert_eq!(read("kept.txt").as_deref(), Some("kept\n"));
    assert!(!home.workspace().join("new").exists());
    home.audit();
}
