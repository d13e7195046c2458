//! Each request begins with the bytes of the one before, so that a provider's cache holds.

use bottega_testkit::{Saying, ScriptedServer, WireProtocol};
use serde_json::json;

use crate::home::Home;
use crate::provider::Provider;

fn turns() -> Vec<Saying> {
    let look = |line: u32| json!({ "path": "greeting.txt", "start_line": line }).to_string();
    vec![
        Saying::text("I look.").and_call("read_file", look(1)).and_call("read_file", look(2)),
        Saying::call("shell", json!({ "command": "echo \"tab\tand ünïcode\"" }).to_string()),
        Saying::call(
            "edit_file",
            json!({ "path": "greeting.txt", "old_text": "Hello", "new_text": "Hi" }).to_string(),
        ),
        Saying::call("read_file", json!({ "path": "nowhere" }).to_string()),
        Saying::call("grep", json!({ "pattern": "you" }).to_string()),
        Saying::text("Done."),
    ]
}

#[test]
fn the_first_request_holds_the_projects_instructions_and_its_map() {
    for _ in 0..5 {
        let home = Home::new();
        home.write("AGENTS.md", "Say SAYMAGIC before anything else.\n");
        home.write("src/engine.rs", "pub fn ignite() {}\n");
        let server = ScriptedServer::of_turns([Saying::text("Done.")]).unwrap();
        home.run(&Provider::usual(&server), &["look around"]).finish().done();
        let asked = String::from_utf8_lossy(&server.asked()[0].raw).into_owned();
        for told in ["SAYMAGIC", "src/engine.rs", "look around"] {
            assert!(asked.contains(told), "no {told} in {asked}");
        }
    }
}

#[track_caller]
fn check(protocol: WireProtocol) {
    let home = Home::new();
    let server = ScriptedServer::of_turns(turns()).unwrap();
    home.run(&Provider::new(protocol, &server), &["task"]).finish().done();
    let asked = server.asked();
    assert_eq!(asked.len(), 6);
    for pair in asked.windows(2) {
        let (before, after) = (pair[0].conversation_bytes(), pair[1].conversation_bytes());
        assert!(!before.is_empty() && after.len() > before.len());
        assert!(
            after.starts_with(before),
            "{}\nis no beginning of\n{}",
            String::from_utf8_lossy(before),
            String::from_utf8_lossy(after)
        );
        // What comes before the conversation is the same too: instructions and tools.
        let head =
            |asked: &bottega_testkit::Asked| asked.raw.len() - asked.conversation_bytes().len();
        assert_eq!(head(&pair[0]), head(&pair[1]));
    }
}

#[test]
fn anthropic_messages() {
    check(WireProtocol::Anthropic);
}

#[test]
fn openai_responses() {
    check(WireProtocol::Responses);
}

#[test]
fn chat_completions() {
    check(WireProtocol::ChatCompletions);
}
