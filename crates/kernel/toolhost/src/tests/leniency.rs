//! What becomes of names and arguments that are not quite right.

use proptest::prelude::*;

use super::*;
use crate::arguments;
use crate::schema::Declared;

fn declared(tool: &str) -> Declared {
    Declared::of(ToolCatalogue::new(tools::ALL).get(tool).unwrap())
}

/// `text` is read as `expected` by the tool of that name.
#[track_caller]
fn check(tool: &str, text: &str, expected: &Value) {
    let declared = declared(tool);
    assert_eq!(arguments::read(text, &declared).as_ref(), Ok(expected), "{text}");
}

#[track_caller]
fn refused(tool: &str, text: &str, words: &[&str]) {
    let declared = declared(tool);
    let refusal = arguments::read(text, &declared).unwrap_err();
    for word in words {
        assert!(refusal.contains(word), "{text}: {word} is not in {refusal}");
    }
}

#[test]
fn slips_with_one_reading_are_put_right() {
    let hi = json!({ "text": "hi" });
    check("say", r#"{"text":"hi"}"#, &hi);
    check("say", "```json\n{\"text\":\"hi\"}\n```", &hi);
    check("say", r#""{\"text\":\"hi\"}""#, &hi);
    check("say", r#"{"text":"hi",}"#, &hi);
    check("say", r#"{"arguments":{"text":"hi"}}"#, &hi);
    check("say", r#"{"text":"hi","times":null}"#, &hi);
    check("say", "{\"text\":\"a\nb\tc,}\"}", &json!({ "text": "a\nb\tc,}" }));
    check("say", r#"{"text":"hi","times":"3"}"#, &json!({ "text": "hi", "times": 3 }));
    check("say", r#"{"text":"hi","times":3.0}"#, &json!({ "text": "hi", "times": 3 }));
    check("say", r#"{"text":"hi","excerpt":"True"}"#, &json!({ "text": "hi", "excerpt": true }));
    check("run", r#"{"command":"x","parts":"x y"}"#, &json!({ "command": "x", "parts": ["x y"] }));
    check(
        "run",
        r#"{"command":"x","parts":"[\"x\"]"}"#,
        &json!({ "command": "x", "parts": ["x"] }),
    );
    check("break", "", &json!({}));
    check("break", "null", &json!({}));
}

#[test]
fn what_is_not_clear_is_refused_with_a_lesson() {
    let lesson = "store takes path (string, required), text (string, required). Call it with one JSON object, \
                  as in {\"path\":\"…\",\"text\":\"…\"}";
    refused(
        "store",
        r#"{"file_path":"a","text":"b"}"#,
        &["\"path\" is a required", "no parameter file_path", lesson],
    );
    refused("store", r#"{"path":"a","text":"b"#, &["EOF", lesson]);
    refused("store", r#"{'path':'a'}"#, &["key must be a string", lesson]);
    refused("store", "[1]", &["a list", lesson]);
    refused("store", "7", &["no JSON object", lesson]);
    refused("store", "\"words\"", &["a string", lesson]);
    refused(
        "store",
        r#"{"path":["a"],"text":"b"}"#,
        &["path: the value is not of type \"string\""],
    );
    refused(
        "say",
        r#"{"text":"x","times":"many"}"#,
        &["times: the value is not of type \"integer\""],
    );
}

#[tokio::test]
async fn an_unknown_tool_is_told_what_there_is() {
    let world = Setup::default().world();
    let check = async |name: &str, words: &str| {
        let report = world.call(name, "{}").await;
        assert_eq!(report.outcome, ToolOutcome::Failed);
        assert!(report.text.contains(words), "{}", report.text);
        assert!(
            report.text.ends_with("The tools are: say, store, run, fetch, get, break."),
            "{}",
            report.text
        );
    };
    check("stor", "There is no tool `stor`. Did you mean store?").await;
    check("functions.run", "Did you mean run?").await;
    check("SAY", "Did you mean say?").await;
    check("xyz", "There is no tool `xyz`. The tools").await;
    assert_eq!(world.call("store", "{").await.outcome, ToolOutcome::Failed);
    assert_eq!(world.questions(), 0);
}

proptest! {
    #[test]
    fn valid_arguments_are_never_altered(text in ".*", times in any::<i64>(), excerpt in any::<bool>()) {
        let arguments = json!({ "text": text, "times": times, "excerpt": excerpt });
        let declared = declared(tools::ALL[0].name());
        prop_assert_eq!(arguments::read(&arguments.to_string(), &declared), Ok(arguments));
    }

    #[test]
    fn any_text_is_read_or_refused(text in r#"[{}\[\]",:\\ a-z0-9\n`]*"#) {
        let _ = arguments::read(&text, &declared(tools::ALL[0].name()));
    }
}
