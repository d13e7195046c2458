//! Tools that a person added, called by each kind of agent: the coding agent, one that a model plays, one of WebAssembly.

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::beyond::{ALLOCATOR, deploy, said, serve, worker};
use crate::home::Home;
use crate::provider::Provider;

/// A tool that answers with its arguments behind the word `heard `.
fn echo() -> Vec<u8> {
    let told = [
        "echo_back",
        "Says back what it hears.",
        r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}"#,
    ];
    let mut places = String::new();
    let mut at = 512;
    for (number, text) in told.iter().enumerate() {
        let (field, length) = (16 + number * 8, text.len());
        places.push_str(&format!(
            "(i32.store (i32.const {field}) (i32.const {at}))
             (i32.store (i32.const {}) (i32.const {length}))",
            field + 4
        ));
        at += length;
    }
    let data = told.concat().replace('"', "\\\"");
    let text = format!(
        r#"(module
        (memory (export "memory") 1)
        (data (i32.const 512) "{data}")
        (data (i32.const 1024) "heard ")
        {ALLOCATOR}
        (func (export "bottega:guest/callable@0.1.0#describe") (result i32)
            {places} (i32.const 16))
        (func (export "bottega:guest/callable@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
            (memory.copy (i32.const 1030) (local.get $ptr) (local.get $len))
            (i32.store8 (i32.const 16) (i32.const 0))
            (i32.store (i32.const 20) (i32.const 1024))
            (i32.store (i32.const 24) (i32.add (local.get $len) (i32.const 6)))
            (i32.const 16)))"#
    );
    wat::parse_str(text).unwrap()
}

fn add(home: &Home) {
    let manifest = "name = \"echo-back\"\nversion = \"0.1.0\"\nworld = \"tool\"\n";
    home.write("echo-back/bottega.toml", manifest);
    home.write("echo-back/echo-back.wasm", echo());
    let added = home.bottega(&["tool", "add", "echo-back"]).finish().done();
    assert!(
        added.stdout.starts_with("echo_back (echo-back 0.1.0) was added: Says back"),
        "{added:?}"
    );
    assert!(added.stdout.contains("may: nothing but compute"), "{added:?}");
}

#[test]
fn the_coding_agent_calls_a_tool_that_was_added() {
    let home = Home::new();
    let turns = [
        Saying::call("echo_back", json!({"text": "one"}).to_string()),
        Saying::call("finish", json!({"answer": "It was heard."}).to_string()),
    ];
    let server = ScriptedServer::of_turns(turns).unwrap();
    let provider = Provider::usual(&server);
    add(&home);
    let run = home.bottega(&["run", "say one"]).with(&provider).finish().done();
    assert!(run.stderr.contains("echo_back"), "{run:?}");
    let asked: Vec<String> = server
        .asked()
        .iter()
        .map(|asked| String::from_utf8_lossy(&asked.raw).into_owned())
        .collect();
    assert!(asked[0].contains("Says back what it hears."), "{}", asked[0]);
    assert!(asked[1].contains(r#"heard {\"text\":\"one\"}"#), "{}", asked[1]);
    // What its schema does not know is refused before it is called, and `tools.disabled` takes it away.
    let wrong = home.bottega(&["tool", "call", "echo_back", "{}"]).finish().with_code(1);
    assert!(wrong.stdout.contains("text"), "{wrong:?}");
    let called = home.bottega(&["tool", "call", "echo_back", r#"{"text":"two"}"#]).finish().done();
    assert_eq!(called.stdout, "heard {\"text\":\"two\"}\n");
    home.bottega(&["config", "set", "tools.disabled", "[\"echo_back\"]"]).finish().done();
    let refused =
        home.bottega(&["tool", "call", "echo_back", r#"{"text":"two"}"#]).finish().with_code(1);
    assert!(refused.stdout.contains("no tool"), "{refused:?}");
    home.bottega(&["tool", "rm", "echo_back"]).finish().done();
    home.bottega(&["tool", "show", "echo_back"]).finish().with_code(2);
}

#[test]
fn agents_of_a_server_call_a_tool_that_was_added_while_it_runs() {
    let home = Home::new();
    let turns = [
        Saying::call("echo_back", json!({"text": "three"}).to_string()),
        Saying::text("It was heard."),
    ];
    let server = ScriptedServer::of_turns(turns).unwrap();
    let provider = Provider::usual(&server);
    let _live = serve(&home, &provider);
    let file =
        "---\nname: critic\nmodel: openrouter/scripted-large\ntools: echo_back\n---\nYou listen.\n";
    home.write("critic.md", file);
    let refused = home.bottega(&["agent", "deploy", "critic.md"]).finish().with_code(2);
    assert!(refused.stderr.contains("echo_back"), "{refused:?}");
    add(&home);
    home.bottega(&["agent", "deploy", "critic.md"]).finish().done();
    let asked = home.bottega(&["message", "ask", "critic", "Say three."]).finish().done();
    assert_eq!(asked.stdout, "It was heard.\n");
    let second = String::from_utf8_lossy(&server.asked()[1].raw).into_owned();
    assert!(second.contains("heard "), "{second}");
    let call = worker("echo_back", r#"{"text":"four"}"#);
    deploy(&home, "caller", "tools = [\"echo_back\"]", call.clone());
    assert_eq!(said(&home, "caller"), r#"heard {"text":"four"}"#);
    // Who was not granted it by name does not have it.
    deploy(&home, "other", "tools = [\"grep\"]", call);
    assert!(said(&home, "other").contains("not granted"), "{}", said(&home, "other"));
}
