//! Answers in a required form.

use std::sync::Arc;

use bottega_llm::{Capabilities, ChatModel, ErrorKind, OutputFormat, Role};
use bottega_testkit::{Script, ScriptedModel};

use crate::desk::{Desk, model, options, question, says, times, usage, wants_json};

/// The same model without native schemas.
fn plain(scripts: impl IntoIterator<Item = Script>) -> Arc<ScriptedModel> {
    let capabilities = Capabilities { native_schema: false, ..model([]).capabilities("") };
    Arc::new(ScriptedModel::with_capabilities(capabilities, scripts))
}

/// Asks for JSON with a promise of so many attempts.
async fn check(model: &Arc<ScriptedModel>, attempts: u64, end: Result<&str, ErrorKind>) {
    let desk = Desk::new(options(&[("north", model)]));
    let call = times(desk.call(wants_json()), attempts);
    let worst = call.worst;
    match (desk.ask(call).await, end) {
        (Ok(answered), Ok(json)) => {
            assert_eq!(answered.answer.message.text(), json);
            let asked = model.requests().len() as u64;
            assert_eq!(answered.answer.usage, usage(10 * asked, 20 * asked));
            assert_eq!(u64::from(answered.timing.attempts), asked);
        }
        (Err(failed), Err(kind)) => {
            assert_eq!(failed.error.kind, kind, "{}", failed.error);
            assert!(failed.spent.money <= worst.money && failed.spent.tokens <= worst.tokens);
        }
        (outcome, end) => panic!("{outcome:?} instead of {end:?}"),
    }
    assert_eq!(model.unplayed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_native_schema_is_left_to_the_provider_and_checked() {
    let north = model([says(r#"{"n":1}"#)]);
    check(&north, 1, Ok(r#"{"n":1}"#)).await;
    let request = &north.requests()[0];
    assert!(matches!(request.output, OutputFormat::JsonSchema { .. }));
    assert_eq!(&*request.system, "");
}

#[tokio::test(start_paused = true)]
async fn other_models_are_told_in_words() {
    let north = plain([says("Sure:\n```json\n{\"n\":1}\n```")]);
    check(&north, 1, Ok(r#"{"n":1}"#)).await;
    let request = &north.requests()[0];
    assert_eq!(request.output, OutputFormat::Text);
    assert!(request.system.contains(r#""required":["n"]"#), "{}", request.system);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_answer_is_asked_for_once_more_with_the_reason() {
    for north in [model([]), plain([])] {
        north.then(says(r#"{"n":"one"}"#));
        north.then(says(r#"{"n":1}"#));
        check(&north, 3, Ok(r#"{"n":1}"#)).await;
        let requests = north.requests();
        // The conversation only grew.
        assert_eq!(requests[1].messages[..1], requests[0].messages[..]);
        let last = requests[1].messages.last().unwrap();
        assert_eq!((requests[1].messages.len(), last.role), (3, Role::User));
        assert!(last.text().contains("at /n"), "{}", last.text());
    }
}

#[tokio::test(start_paused = true)]
async fn two_wrong_answers_are_an_error() {
    check(&model([says("{}"), says("{}")]), 3, Err(ErrorKind::Garbled)).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_question_that_was_not_promised_is_not_asked() {
    let north = model([Script::text("no", usage(1_000, 100))]);
    check(&north, 1, Err(ErrorKind::Garbled)).await;
}

#[tokio::test(start_paused = true)]
async fn tool_calls_are_no_final_answer() {
    let north = plain([Script::calls("", &[("read_file", "{}")], usage(10, 20))]);
    check(&north, 1, Ok("")).await;
}

#[tokio::test(start_paused = true)]
async fn a_schema_that_is_none_costs_nothing() {
    let schema = Arc::new(serde_json::json!({ "type": 7 }));
    let output = OutputFormat::JsonSchema { name: "x".into(), schema };
    let north = model([]);
    let desk = Desk::new(options(&[("north", &north)]));
    let call = desk.call(bottega_llm::ChatRequest { output, ..question() });
    assert_eq!(desk.ask(call).await.unwrap_err().error.kind, ErrorKind::InvalidRequest);
    assert!(north.requests().is_empty());
}
