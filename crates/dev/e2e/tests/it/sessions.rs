//! Sessions: looked back on, gone on with, forked, undone, exported, removed.

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::{Value, json};

use crate::home::Home;
use crate::provider::Provider;

const WINDOWS: &str = "first\r\nsecond\r\nno end of line";

fn changing() -> ScriptedServer {
    let write = |path: &str, content: &str| json!({ "path": path, "content": content }).to_string();
    ScriptedServer::of_turns([
        Saying::call("read_file", json!({ "path": "windows.txt" }).to_string())
            .and_call("read_file", json!({ "path": "greeting.txt" }).to_string()),
        Saying::call(
            "edit_file",
            json!({ "path": "windows.txt", "old_text": "second", "new_text": "2nd" }).to_string(),
        ),
        Saying::call("write_file", write("new/deep/file.txt", "new\n")),
        Saying::call("write_file", write("greeting.txt", "Replaced.\n")),
        Saying::text("Three files changed."),
        Saying::text("You are welcome."),
    ])
    .unwrap()
}

fn worked(server: &ScriptedServer) -> Home {
    let home = Home::new();
    home.write("windows.txt", WINDOWS);
    home.run(&Provider::usual(server), &["change three files"]).finish().done();
    assert_eq!(home.read("windows.txt"), "first\r\n2nd\r\nno end of line");
    home
}

#[test]
fn they_are_listed_and_shown() {
    let server = changing();
    let home = worked(&server);
    let list = home.view(&["sessions", "list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(
        (&list[0]["title"], &list[0]["state"]),
        (&json!("change three files"), &json!("done"))
    );
    let shown = home.view(&["sessions", "show", "last"]);
    assert_eq!(shown["answer"], "Three files changed.");
    let mut changed: Vec<&str> = shown["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["path"].as_str().unwrap())
        .collect();
    changed.sort_unstable();
    assert_eq!(changed, ["greeting.txt", "new/deep/file.txt", "windows.txt"]);
    let people = home.bottega(&["sessions", "show", "last"]).finish().done();
    assert!(people.stdout.contains("change three files"), "{}", people.stdout);
}

#[test]
fn undo_puts_every_byte_back() {
    let server = changing();
    let home = Home::new();
    home.write("windows.txt", WINDOWS);
    let before = home.tree();
    home.run(&Provider::usual(&server), &["change three files"]).finish().done();
    assert_ne!(home.tree(), before);
    home.bottega(&["sessions", "undo", "last"]).finish().done();
    assert_eq!(home.tree(), before);
    home.audit();
}

#[test]
fn undo_says_what_it_deleted_and_what_it_brought_back() {
    let server = changing();
    let home = worked(&server);
    let undone = home.bottega(&["sessions", "undo", "last"]).finish().done().stdout;
    for told in [
        "restored windows.txt",
        "restored greeting.txt",
        "deleted new/deep/file.txt: there was none before",
    ] {
        assert!(undone.contains(told), "{undone}");
    }
}

#[test]
fn undo_goes_step_by_step() {
    let server = changing();
    let home = worked(&server);
    home.bottega(&["sessions", "undo", "last", "--steps", "1"]).finish().done();
    assert_eq!(home.read("greeting.txt"), "Hello, world.\nHow are you?\n");
    assert_eq!(home.read("new/deep/file.txt"), "new\n");
    home.bottega(&["sessions", "undo", "last", "--steps", "1"]).finish().done();
    assert!(!home.workspace().join("new/deep/file.txt").exists());
    assert_eq!(home.read("windows.txt"), "first\r\n2nd\r\nno end of line");
}

#[test]
fn undo_leaves_alone_what_somebody_else_changed() {
    let server = changing();
    let home = worked(&server);
    home.write("greeting.txt", "Mine.\n");
    let undone = home.view(&["sessions", "undo", "last"]);
    assert_eq!(undone["left_alone"], json!(["greeting.txt"]));
    assert_eq!(home.read("greeting.txt"), "Mine.\n");
    assert_eq!(home.read("windows.txt"), WINDOWS);
}

#[test]
fn a_session_is_gone_on_with_and_forked() {
    let server = changing();
    let home = worked(&server);
    let provider = Provider::usual(&server);
    let fork = home.view(&["sessions", "fork", "last"]);
    let fork = fork["id"].as_str().unwrap();
    let beyond = home.bottega(&["sessions", "fork", "last", "--at", "999"]).finish().with_code(2);
    assert!(beyond.stderr.contains("and no 999"), "{}", beyond.stderr);
    let thanks =
        home.bottega(&["resume", fork, "--task", "thank you"]).with(&provider).finish().done();
    assert_eq!(thanks.stdout, "You are welcome.\n");
    let asked = server.asked();
    assert_eq!((asked.len(), asked[5].turn), (6, 5));
    assert!(asked[5].conversation_bytes().starts_with(asked[4].conversation_bytes()));
    assert_eq!(home.view(&["sessions", "list"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_session_is_exported_and_removed() {
    let server = changing();
    let home = worked(&server);
    let exported = home.bottega(&["sessions", "export", "last"]).finish().done();
    let records = home.records();
    let of_sessions = |record: &&Value| record["stream"].as_str().unwrap().starts_with("session/");
    assert_eq!(exported.stdout.lines().count(), records.iter().filter(of_sessions).count());
    home.bottega(&["sessions", "rm", "last"]).finish().done();
    assert_eq!(home.view(&["sessions", "list"]), json!([]));
    // The records stay: the chain needs them.
    home.audit();
    home.bottega(&["sessions", "show", "last"]).finish().with_code(2);
}

#[test]
fn the_last_session_is_one_of_this_folder() {
    let server = changing();
    let home = worked(&server);
    let elsewhere = home.workspace().with_file_name("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let folder = elsewhere.display().to_string();
    let before = home.tree();
    for words in [
        &["sessions", "undo"][..],
        &["sessions", "show"],
        &["sessions", "rm", "last"],
        &["resume"],
        &["run", "--continue", "go on"],
    ] {
        let words = [&["-C", folder.as_str()], words].concat();
        let told = home.bottega(&words).with(&Provider::usual(&server)).finish().with_code(2);
        assert!(told.stderr.contains("no session in"), "{words:?}: {}", told.stderr);
    }
    assert_eq!(home.tree(), before);
    assert_eq!(home.view(&["sessions", "list"]).as_array().unwrap().len(), 1);
}
