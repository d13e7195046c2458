//! Budgets that sessions and processes share.

use std::sync::Arc;
use std::time::Duration;

use bottega_event::{BudgetEvent, Position};
use bottega_gateway::{Budgets, Options, Price};
use bottega_llm::{ErrorKind, ModelError, StreamEvent};
use bottega_policy::Budget;
use bottega_store::{Journal, MemoryStore};
use bottega_testkit::{Beat, Script};
use bottega_types::Money;

use crate::desk::{Desk, fails, model, options, question, says};

fn day(nanos: u64) -> Budgets {
    let day = Budget { tokens: None, money: Some(Money::from_nanos(nanos)) };
    Budgets { day, agent: Budget::UNLIMITED }
}

/// What the journal says of the budgets, in short.
async fn book(store: &MemoryStore) -> Vec<String> {
    let records = store.read_all(Position(0), 1_000).await.unwrap();
    let line = |event| match event {
        BudgetEvent::Reserved(it) => format!("+{} {}", it.worst.money.as_nanos(), it.agent),
        BudgetEvent::Settled(it) => format!("={}", it.cost.money.as_nanos()),
    };
    records.iter().map(|record| line(BudgetEvent::decode(&record.event).unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_promised_before_and_settled_after() {
    let north = model([says("42"), fails(ErrorKind::InvalidRequest)]);
    let desk = Desk::budgeted(&[("north", &north)], day(10_000_000));
    let call = desk.call(question());
    let worst = call.worst.money.as_nanos();
    desk.ask(call).await.unwrap();
    desk.ask(desk.call(question())).await.unwrap_err();
    let promise = format!("+{worst} coder");
    assert_eq!(book(&desk.store).await, [promise.clone(), "=50000".into(), promise, "=0".into()]);
}

#[tokio::test(start_paused = true)]
async fn without_budgets_the_journal_is_not_touched() {
    let north = model([says("42")]);
    let desk = Desk::new(options(&[("north", &north)]));
    desk.ask(desk.call(question())).await.unwrap();
    assert!(book(&desk.store).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_fit_is_not_sent() {
    let (north, south) = (model([Script::beats(vec![Beat::Silence])]), model([]));
    let store = Arc::new(MemoryStore::new());
    let here = Desk::sharing(
        Options { budgets: day(2_000_000), ..options(&[("north", &north)]) },
        Arc::clone(&store),
    );
    let there =
        Desk::sharing(Options { budgets: day(2_000_000), ..options(&[("south", &south)]) }, store);
    let (first, second) = (here.call(question()), there.call(question()));
    assert!(first.worst.money.as_nanos() > 1_000_000, "two of them must be too much");
    // The first call is still open in another process while the second asks.
    let mut asking = Box::pin(here.ask(first));
    assert!(futures::poll!(&mut asking).is_pending());
    assert!(tokio::time::timeout(Duration::from_millis(1), &mut asking).await.is_err());
    let failed = there.ask(second).await.unwrap_err();
    assert_eq!(failed.error.kind, ErrorKind::Budget);
    assert!(failed.error.message.contains("budget.per_day.money"), "{}", failed.error.message);
    assert!(south.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_settled_on_close() {
    let began =
        Script::beats(vec![Beat::Event(bottega_llm::StreamEvent::Text("x".into())), Beat::Silence]);
    let north = model([began]);
    let desk = Desk::budgeted(&[("north", &north)], day(10_000_000));
    let call = desk.call(question());
    let worst = call.worst.money.as_nanos();
    assert!(tokio::time::timeout(Duration::from_secs(1), desk.ask(call)).await.is_err());
    desk.gateway.close().await;
    assert_eq!(book(&desk.store).await, [format!("+{worst} coder"), format!("={worst}")]);
}

#[tokio::test(start_paused = true)]
async fn a_price_that_is_not_known_is_never_zero_under_a_budget() {
    let east = model([says("42")]);
    let options = Options { budgets: day(10_000_000), ..options(&[("east", &east)]) };
    let desk = Desk::new(options.clone());
    assert!(
        desk.gateway.priced("").unwrap_err().to_string().contains("`models.prices.\"east/large\"`")
    );
    let failed = desk.ask(desk.call(question())).await.unwrap_err();
    assert_eq!(failed.error.kind, ErrorKind::Budget);
    assert!(east.requests().is_empty());

    // With a price of the user's own it is asked.
    let own = [("east/*".to_owned(), Price::default())].into();
    let prices = options.prices.clone().with(own).unwrap();
    let desk = Desk::new(Options { prices, ..options });
    assert!(desk.ask(desk.call(question())).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_whether_its_price_is_known() {
    for (provider, unpriced) in [("east", true), ("north", false)] {
        let it = model([says("42")]);
        let desk = Desk::new(options(&[(provider, &it)]));
        let answered = desk.ask(desk.call(question())).await.unwrap();
        assert_eq!(answered.unpriced, unpriced, "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn so_does_a_call_that_failed() {
    for (provider, unpriced) in [("east", true), ("north", false)] {
        let cut = ModelError::new(ErrorKind::CutOff, "cut");
        let begun = Beat::Event(StreamEvent::Text("4".into()));
        let it = model([Script::beats(vec![begun, Beat::Break(cut)])]);
        let desk = Desk::new(options(&[(provider, &it)]));
        let failed = desk.ask(desk.call(question())).await.unwrap_err();
        assert_eq!(failed.unpriced, unpriced, "{provider}");
        let it = model([fails(ErrorKind::InvalidRequest)]);
        let desk = Desk::new(options(&[(provider, &it)]));
        let failed = desk.ask(desk.call(question())).await.unwrap_err();
        assert!(!failed.unpriced, "{provider}: it cost nothing");
    }
}
