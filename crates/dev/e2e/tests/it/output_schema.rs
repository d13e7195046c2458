//! `--output-schema` puts JSON that follows the schema, and nothing else, on standard output.

use bottega_testkit::{Saying, ScriptedServer, WireProtocol};
use serde_json::{Value, json};

use crate::home::Home;
use crate::provider::Provider;

fn finish(answer: &Value) -> Saying {
    Saying::call("finish", json!({ "answer": answer }).to_string())
}

#[test]
fn an_answer_that_does_not_follow_is_sent_back() {
    let schema = json!({
        "type": "object",
        "properties": { "bugs": { "type": "integer" } },
        "required": ["bugs"],
        "additionalProperties": false,
    });
    for protocol in WireProtocol::ALL {
        let home = Home::new();
        home.write("schema.json", schema.to_string());
        let server = ScriptedServer::of_turns([
            Saying::text("There is one bug."),
            finish(&json!({ "bugs": "one" })),
            finish(&json!({ "bugs": 1 })),
        ])
        .unwrap();
        let words = ["--output-schema", "schema.json", "count the bugs"];
        let run = home.run(&Provider::new(protocol, &server), &words).finish();
        assert_eq!(run.code, Some(0), "{protocol:?}: {run:?}");
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(answer, json!({ "bugs": 1 }), "{protocol:?}");
        assert_eq!(server.asked().len(), 3, "{protocol:?}");
    }
}
