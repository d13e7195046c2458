//! Concurrency and requests per minute.

use std::sync::Arc;
use std::time::Duration;

use bottega_gateway::Options;
use bottega_llm::ErrorKind;
use bottega_testkit::{Beat, Script, ScriptedModel};
use futures::future::join_all;
use tokio::time::Instant;

use crate::desk::{Desk, model, options, question, says};

/// An answer that takes nine seconds; the desk's patience is ten.
fn slow() -> Script {
    let mut script = says("42");
    script.beats.insert(1, Beat::Pause(Duration::from_secs(9)));
    script
}

fn limited(model: &Arc<ScriptedModel>, places: usize, per_minute: Option<u32>) -> Options {
    let mut options = options(&[("north", model)]);
    for provider in options.providers.values_mut() {
        provider.max_concurrency = places;
        provider.requests_per_minute = per_minute;
    }
    options
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_places_wait_their_turn() {
    let north = model([slow(), slow(), slow()]);
    let desk = Desk::new(limited(&north, 2, None));
    let began = Instant::now();
    let answers = join_all((0..3).map(|_| desk.ask(desk.call(question())))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(began.elapsed(), Duration::from_secs(18));
    assert_eq!(desk.story(), "1 north/large · 1 north/large · queued · 1 north/large");
}

#[tokio::test(start_paused = true)]
async fn a_queue_ends_at_the_deadline() {
    let north = model([Script::beats(vec![Beat::Silence])]);
    let mut options = limited(&north, 1, None);
    for route in options.routes.values_mut() {
        route.deadline = Duration::from_secs(5);
    }
    let desk = Desk::new(options);
    let began = Instant::now();
    let answers = join_all((0..2).map(|_| desk.ask(desk.call(question())))).await;
    for answer in answers {
        assert_eq!(answer.unwrap_err().error.kind, ErrorKind::Timeout);
    }
    assert_eq!((began.elapsed(), north.requests().len()), (Duration::from_secs(5), 1));
}

#[tokio::test(start_paused = true)]
async fn requests_keep_their_pace() {
    let north = model((0..4).map(|_| says("42")));
    let desk = Desk::new(limited(&north, 9, Some(6)));
    let began = Instant::now();
    let answers = join_all((0..4).map(|_| desk.ask(desk.call(question())))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_place_back() {
    let north = model([Script::beats(vec![Beat::Silence]), says("42")]);
    let desk = Desk::new(limited(&north, 1, None));
    let asking = desk.ask(desk.call(question()));
    assert!(tokio::time::timeout(Duration::from_secs(1), asking).await.is_err());
    assert!(desk.ask(desk.call(question())).await.is_ok());
}
