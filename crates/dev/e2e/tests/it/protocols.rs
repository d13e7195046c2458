//! A task is done over each provider's protocol, over real HTTP.

use bottega_testkit::{Saying, ScriptedServer, WireProtocol};
use serde_json::json;

use crate::home::Home;
use crate::provider::{KEY, Provider};

fn mend_the_sum() -> [Saying; 3] {
    let edit = json!({ "path": "src/sum.py", "old_text": "    return a - b", "new_text": "    return a + b" });
    [
        Saying::text("I look.")
            .and_call("read_file", json!({ "path": "src/sum.py" }).to_string())
            .and_call("read_file", json!({ "path": "greeting.txt" }).to_string()),
        Saying::call("edit_file", edit.to_string()),
        Saying::text("The sum is right now: ½ + ½ = 1."),
    ]
}

#[track_caller]
fn check(protocol: WireProtocol) {
    let home = Home::new();
    let server = ScriptedServer::of_turns(mend_the_sum()).unwrap();
    let run = home.run(&Provider::new(protocol, &server), &["mend", "the", "sum"]).finish().done();

    assert_eq!(run.stdout, "The sum is right now: ½ + ½ = 1.\n");
    assert_eq!(home.read("src/sum.py"), "def sum(a, b):\n    return a + b\n");
    let asked = server.asked();
    assert_eq!(asked.iter().map(|asked| asked.turn).collect::<Vec<_>>(), [0, 1, 2]);
    for asked in &asked {
        assert_eq!(asked.protocol, protocol);
        assert!(asked.has_tools() && asked.has_key_of(KEY), "{:?}", asked.headers);
    }
    assert!(asked[0].said().contains("mend the sum"), "{}", asked[0].said());
    let second = String::from_utf8(asked[1].raw.to_vec()).unwrap();
    assert!(second.contains("return a - b") && second.contains("How are you?"), "{second}");
    assert!(!run.stderr.contains(KEY));
    home.audit();
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

#[test]
fn gemini() {
    check(WireProtocol::Gemini);
}

#[test]
fn ollama() {
    check(WireProtocol::Ollama);
}
