//! How work ends when it is neither done nor limited: circles and refusals.

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::home::Home;
use crate::provider::Provider;

#[test]
fn a_circle_is_broken() {
    let home = Home::new();
    let look = json!({ "path": "greeting.txt" }).to_string();
    let server =
        ScriptedServer::start(move |_| Saying::call("read_file", look.clone()).into()).unwrap();
    let run = home.run(&Provider::usual(&server), &["task"]).finish().with_code(1);
    assert!(run.stderr.contains("read_file"), "{}", run.stderr);
    assert!(server.asked().len() <= 10, "{} questions", server.asked().len());
}

#[test]
fn malformed_arguments_and_unknown_tools_are_told_to_the_model() {
    let home = Home::new();
    let server = ScriptedServer::of_turns([
        Saying::call("read_file", "{\"path\": \"greeting"),
        Saying::call("fly_to_the_moon", "{}"),
        Saying::text("I give up on that."),
    ])
    .unwrap();
    let run = home.run(&Provider::usual(&server), &["task"]).finish().done();
    assert_eq!(run.stdout, "I give up on that.\n");
    let last = &server.asked()[2];
    let told = last.conversation().iter().filter(|element| element["role"] == "tool").count();
    assert_eq!(told, 2);
    assert!(String::from_utf8_lossy(&last.raw).contains("fly_to_the_moon"));
}

#[track_caller]
fn check_refused(mode: &str, why: &str) {
    let home = Home::new();
    let before = home.tree();
    let write = json!({ "path": "greeting.txt", "content": "Overwritten.\n" }).to_string();
    let server = ScriptedServer::of_turns([
        Saying::call("read_file", json!({ "path": "greeting.txt" }).to_string()),
        Saying::call("write_file", write)
            .and_call("shell", json!({ "command": "rm -rf src" }).to_string()),
        Saying::text("I may not do that."),
    ])
    .unwrap();
    let provider = Provider::usual(&server);
    let words = ["run", "--access-mode", mode, "--model", provider.model(), "task"];
    let run = home.bottega(&words).with(&provider).finish().with_code(4);
    assert!(run.stderr.contains(why), "{}", run.stderr);
    assert_eq!(home.tree(), before);
    let told = String::from_utf8_lossy(&server.asked()[2].raw).into_owned();
    assert!(told.contains(why), "{told}");
}

#[test]
fn without_a_terminal_nothing_is_asked_and_what_needs_a_word_is_refused() {
    check_refused("ask", "access mode ask");
}

#[test]
fn read_only_changes_nothing() {
    check_refused("read-only", "access mode read-only");
}
