//! One process works on a session at a time; a dead one is nobody's hindrance.

use std::fs;

use bottega_testkit::{Saying, ScriptedServer};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::json;

use crate::home::Home;
use crate::live::Live;
use crate::provider::Provider;

/// A run whose command waits until somebody writes into the pipe `gate`.
struct Waiting {
    home: Home,
    server: ScriptedServer,
}

impl Waiting {
    fn new() -> Self {
        let home = Home::new();
        mkfifoat(CWD, home.workspace().join("gate"), Mode::from_raw_mode(0o600)).unwrap();
        let command = json!({ "command": "echo waiting; read line < gate; echo $line >> effects" });
        let server = ScriptedServer::of_turns([
            Saying::call("read_file", json!({ "path": "greeting.txt" }).to_string()),
            Saying::call(
                "write_file",
                json!({ "path": "greeting.txt", "content": "Bye.\n" }).to_string(),
            ),
            Saying::call("shell", command.to_string()),
            Saying::text("It is done."),
        ]);
        Self { home, server: server.unwrap() }
    }

    fn provider(&self) -> Provider<'_> {
        Provider::usual(&self.server)
    }

    /// Starts it, and waits until its command waits.
    fn started(&self) -> Live {
        let mut live = self.home.run(&self.provider(), &["--json", "task"]).start();
        live.wait_for(|event| event["type"] == "tool_output");
        live
    }
}

#[test]
fn the_second_is_told_and_the_first_goes_on() {
    let waiting = Waiting::new();
    let first = waiting.started();
    for words in [
        &["resume", "last"][..],
        &["resume", "last", "--task", "do something else"],
        &["sessions", "undo", "last"],
        &["sessions", "rm", "last"],
    ] {
        let second = waiting.home.bottega(words).with(&waiting.provider()).finish().with_code(1);
        assert!(second.stderr.contains("BTG0006"), "{words:?}: {}", second.stderr);
        assert_eq!(second.stdout, "", "{words:?}");
    }
    fs::write(waiting.home.workspace().join("gate"), "through\n").unwrap();
    let first = first.finish().done();
    assert_eq!(first.events().last().unwrap()["answer"], "It is done.");
    assert_eq!(waiting.home.read("effects"), "through\n");
    assert_eq!(waiting.server.asked().len(), 4, "nobody else asked anything");
    waiting.home.audit();
}

#[test]
fn a_session_whose_holder_was_killed_is_free_at_once() {
    let waiting = Waiting::new();
    waiting.started().kill();
    let resumed = waiting.home.resume(&waiting.provider(), &[]).finish().done();
    assert_eq!(resumed.stdout, "It is done.\n");
    waiting.home.audit();
}

#[test]
fn other_sessions_come_and_go_meanwhile() {
    let waiting = Waiting::new();
    let first = waiting.started();
    let other = ScriptedServer::of_turns([Saying::text("Here.")]).unwrap();
    waiting.home.run(&Provider::usual(&other), &["another task"]).finish().done();
    let list = waiting.home.view(&["sessions", "list"]);
    let titled = |title: &str| {
        let found = list.as_array().unwrap().iter().find(|session| session["title"] == title);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    waiting.home.bottega(&["sessions", "rm", &titled("another task")]).finish().done();
    fs::write(waiting.home.workspace().join("gate"), "through\n").unwrap();
    first.finish().done();
    // What the first one keeps for its undo was not forgotten with the other.
    let undo = waiting.home.bottega(&["sessions", "undo", &titled("task")]);
    // The pipe that it made holds no bytes to be kept.
    undo.finish().with_code(1);
    assert_eq!(waiting.home.read("greeting.txt"), "Hello, world.\nHow are you?\n");
    waiting.home.audit();
}
