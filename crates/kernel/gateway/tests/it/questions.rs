//! Questions of agents without a conversation.

use bottega_gateway::{Budgets, Options, Question, Unanswered};
use bottega_policy::Budget;
use bottega_testkit::Script;
use bottega_types::Tokens;

use crate::desk::{Desk, model, options, usage};

fn question(longest: u64, within: u64) -> Question {
    Question {
        agent: "greeter@local".to_owned(),
        route: String::new(),
        instructions: "You greet.".to_owned(),
        prompt: "Ada".to_owned(),
        longest: Tokens::new(longest),
        within: Tokens::new(within),
    }
}

/// What is said to a question, and the longest answer that the model was asked for.
async fn check(question: Question, budgets: Budgets, expected: &str, asked: Option<u32>) {
    let north = model([Script::text("Hello, Ada", usage(7, 3))]);
    let desk = Desk::new(Options { budgets, ..options(&[("north", &north)]) });
    let told = match desk.gateway.answer(question).await {
        Ok(told) => format!("{} ({} in)", told.text, told.usage.input),
        Err(error) => error.to_string(),
    };
    assert!(told.contains(expected), "{told}");
    let requests = north.requests();
    assert_eq!(requests.first().map(|request| request.max_output), asked.map(Some));
    if let Some(request) = requests.first() {
        assert_eq!(&*request.system, "You greet.");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_as_long_as_is_wanted_and_left() {
    check(question(50, 10_000), Budgets::default(), "Hello, Ada", Some(50)).await;
    // What the question may cost is taken off first.
    let left = question(50, 10_000);
    let north = model([]);
    let desk = Desk::new(options(&[("north", &north)]));
    let refused = desk.gateway.answer(Question { within: Tokens::new(1), ..left }).await;
    let Unanswered::TooLong { asks, .. } = refused.unwrap_err() else { panic!("it is too long") };
    let asks = asks.get();
    check(question(50, asks + 7), Budgets::default(), "Hello, Ada", Some(7)).await;
    check(question(50, asks), Budgets::default(), "are left for it and its answer", None).await;
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_left_is_not_asked_for() {
    let tokens = Some(Tokens::new(1));
    let agent = Budget { tokens, ..Budget::default() };
    let budgets = Budgets { agent, ..Budgets::default() };
    check(question(50, 10_000), budgets, "budget", None).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_route_is_named() {
    let nowhere = Question { route: "nowhere".to_owned(), ..question(50, 10_000) };
    check(nowhere, Budgets::default(), "nowhere", None).await;
}
