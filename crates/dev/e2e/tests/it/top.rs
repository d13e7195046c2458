//! The live view of a server: who lives under whom, and a terminal that is as it was afterwards.

use rustix::process::Signal;
use serde_json::Value;

use crate::home::Home;
use crate::person::Person;
use crate::served::{agent, serve};

/// The screen with the shell's lines comes back, and its cursor.
const GIVEN_BACK: [&str; 2] = ["\u{1b}[?1049l", "\u{1b}[?25h"];

fn look(home: &Home) -> Value {
    home.view(&["top", "--once"])
}

fn actor<'a>(tree: &'a Value, name: &str) -> Option<&'a Value> {
    tree["actors"].as_array().unwrap().iter().find(|actor| actor["name"] == name)
}

#[test]
fn everybody_stands_under_their_supervisor() {
    let home = Home::new();
    agent(&home, "one", "1.0.0", 1);
    let (_server, url) = serve(&home);
    home.bottega(&["agent", "deploy", "one"]).finish().done();
    home.bottega(&["message", "ask", "counter", "how many?"]).finish().with_code(1);
    let tree = look(&home);
    let counter = actor(&tree, "counter@local").unwrap();
    assert_eq!(counter["agent"], "wasm counter 1.0.0");
    assert_eq!((&counter["state"], &counter["handled"]), (&"running".into(), &1.into()));
    let keeper = actor(&tree, "keeper of counter@local").unwrap();
    assert_eq!((&keeper["kind"], &keeper["id"]), (&"supervisor".into(), &counter["parent"]));
    assert!(tree["memory_bytes"].as_u64().unwrap() > 1 << 20, "{tree}");
    assert!(tree["at_ms"].as_u64() >= counter["begun_ms"].as_u64());
    assert!(counter["begun_ms"].as_u64() >= tree["begun_ms"].as_u64());
    assert_eq!(tree["absent"], serde_json::json!([]));

    let table = home.bottega(&["top"]).finish().done().stdout;
    assert!(
        table.starts_with(&format!("{url} · up ")) && table.contains("\n└ counter@local"),
        "{table}"
    );

    home.bottega(&["agent", "stop", "counter"]).finish().done();
    let tree = look(&home);
    assert!(actor(&tree, "counter@local").is_none());
    assert_eq!(
        (&tree["absent"][0]["name"], &tree["absent"][0]["state"]),
        (&"counter@local".into(), &"stopped".into())
    );
}

#[test]
fn a_server_that_goes_is_told_of_and_shown_again_when_it_is_back() {
    let home = Home::new();
    let (server, _) = serve(&home);
    let mut person = watching(&home);
    person.sees("df@local");
    server.kill();
    person.sees("nobody answers");
    person.sees("trying again");
    // At another port.
    let (_server, _) = serve(&home);
    person.sees("5 agents");
    person.types("q");
    check_given_back(person, 0);
}

#[test]
fn the_terminal_is_as_it_was_however_it_is_left() {
    let home = Home::new();
    let (_server, _) = serve(&home);
    let mut person = watching(&home);
    person.sees("market@local");
    person.types("\u{3}");
    check_given_back(person, 0);

    let mut person = watching(&home);
    person.sees("market@local");
    person.signal(Signal::TERM);
    check_given_back(person, 130);
}

fn watching(home: &Home) -> Person {
    home.bottega(&["top", "--interval", "100ms"]).at_a_terminal()
}

#[track_caller]
fn check_given_back(person: Person, code: i32) {
    let (left_with, seen) = person.waits();
    assert_eq!(left_with, Some(code), "{seen}");
    for sign in GIVEN_BACK {
        assert!(seen.contains(sign), "{sign:?}: {seen}");
    }
}
