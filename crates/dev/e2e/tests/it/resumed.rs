//! Work that ended early goes on under what the person says now.

use bottega_testkit::{Saying, ScriptedServer, Serving};
use serde_json::{Value, json};

use crate::home::Home;
use crate::provider::Provider;

fn look(line: usize) -> Saying {
    let arguments = json!({ "path": "greeting.txt", "start_line": line, "line_count": 1 });
    Saying::call("read_file", arguments.to_string())
}

fn reroutes(home: &Home) -> Vec<Value> {
    let records = home.records();
    let reroutes = records.iter().filter(|record| record["kind"] == "session.rerouted");
    reroutes.map(|record| serde_json::from_str(record["data"].as_str().unwrap()).unwrap()).collect()
}

#[test]
fn with_a_higher_limit() {
    let home = Home::new();
    let server =
        ScriptedServer::of_turns([look(1), look(2), Saying::text("Both lines are read.")]).unwrap();
    let provider = Provider::usual(&server);
    home.run(&provider, &["--max-turns", "1", "task"]).finish().with_code(3);
    // The limit of the session holds until another one is said.
    home.resume(&provider, &[]).finish().with_code(3);
    let resumed = home.resume(&provider, &["--max-turns", "9"]).finish().done();
    assert_eq!(resumed.stdout, "Both lines are read.\n");
    assert_eq!(reroutes(&home).last().unwrap()["limits"]["turns"], 9);
    home.audit();
}

#[test]
fn with_another_model() {
    let home = Home::new();
    let server = ScriptedServer::start(|asked| {
        let other = String::from_utf8_lossy(&asked.raw).contains("scripted-other");
        match (asked.turn, other) {
            (0, _) => look(1).into(),
            (_, true) => Saying::text("Another one ends it.").into(),
            (_, false) => Serving::Status { status: 401, headers: Vec::new() },
        }
    })
    .unwrap();
    let provider = Provider::usual(&server);
    home.run(&provider, &["task"]).finish().with_code(5);
    let words = ["--model", "openrouter/scripted-other"];
    let resumed = home.resume(&provider, &words).finish().done();
    assert_eq!(resumed.stdout, "Another one ends it.\n");
    assert_eq!(reroutes(&home).last().unwrap()["model"]["route"], "openrouter/scripted-other");
    let shown = home.view(&["sessions", "show", "last"]);
    assert_eq!(shown["model"], "openrouter/scripted-other");
    home.audit();
}

#[test]
fn after_a_kill_with_another_model_and_limit() {
    let home = Home::new();
    let server = ScriptedServer::of_turns_with(
        [look(1), Saying::text("It goes on.")],
        [(1, Serving::silence())],
    )
    .unwrap();
    let provider = Provider::usual(&server);
    let live = home.run(&provider, &["task"]).start();
    assert!(server.wait_for_questions(2, crate::live::PATIENCE));
    live.kill();
    let words = ["--model", "openrouter/scripted-other", "--max-turns", "7"];
    let resumed = home.resume(&provider, &words).finish().done();
    assert_eq!(resumed.stdout, "It goes on.\n");
    let asked = String::from_utf8_lossy(&server.asked()[2].raw).into_owned();
    assert!(asked.contains("scripted-other"), "{asked}");
    let to = reroutes(&home).pop().unwrap();
    assert_eq!((&to["limits"]["turns"], &to["model"]["route"]), (&json!(7), &json!(words[1])));
    home.audit();
}

#[test]
fn a_call_that_was_broken_off_keeps_its_name() {
    let home = Home::new();
    let wait = json!({ "command": "echo begun; sleep 600" }).to_string();
    let server =
        ScriptedServer::of_turns([Saying::call("shell", wait), Saying::text("So be it.")]).unwrap();
    let provider = Provider::usual(&server);
    let mut live = home.run(&provider, &["--json", "task"]).start();
    live.wait_for(|event| event["type"] == "tool_output");
    live.kill();
    let resumed = home.resume(&provider, &["--json"]).finish().done();
    let results: Vec<Value> = resumed
        .events()
        .into_iter()
        .filter(|event| event["type"] == "tool_result")
        .map(|event| json!([event["tool"], event["outcome"]]))
        .collect();
    assert_eq!(results, [json!(["shell", "interrupted"])]);
}
