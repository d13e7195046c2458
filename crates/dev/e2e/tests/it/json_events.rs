//! `run --json` prints one event a line, each by the published schema, and ends with `ended`.

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::{Value, json};

use crate::binary::reference;
use crate::home::Home;
use crate::provider::Provider;

#[test]
fn every_line_follows_the_schema() {
    let home = Home::new();
    let edit = json!({ "path": "greeting.txt", "old_text": "Hello, world.", "new_text": "Hi." });
    let server = ScriptedServer::of_turns([
        Saying::text("I look.")
            .and_call("read_file", json!({ "path": "greeting.txt" }).to_string()),
        Saying::call("edit_file", edit.to_string())
            .and_call("shell", json!({ "command": "echo seen; exit 3" }).to_string()),
        Saying::call("read_file", json!({ "path": "nowhere" }).to_string()),
        Saying::text("It is shorter now."),
    ])
    .unwrap();
    let run = home.run(&Provider::usual(&server), &["--json", "task"]).finish().done();

    let events = run.events();
    let schema = std::fs::read_to_string(reference("run-events.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for event in &events {
        assert!(schema.is_valid(event), "{event}: {:?}", schema.validate(event).err());
    }
    let of =
        |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<&Value>>();
    assert_eq!(events[0]["type"], "session");
    assert_eq!(of("turn").len(), 4);
    // Calls of one answer run side by side, and end in any order.
    let mut outcomes: Vec<&str> =
        of("tool_result").iter().map(|result| result["outcome"].as_str().unwrap()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["command_failed", "failed", "succeeded", "succeeded"]);
    let ended = of("ended");
    assert_eq!(ended, [events.last().unwrap()]);
    assert_eq!(
        (&ended[0]["ending"], &ended[0]["answer"]),
        (&json!("done"), &json!("It is shorter now."))
    );
    let totals = &ended[0]["totals"];
    assert_eq!((&totals["input_tokens"], &totals["output_tokens"]), (&json!(400), &json!(40)));
}
