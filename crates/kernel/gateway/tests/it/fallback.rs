//! What is tried after what, and what it costs.

use std::time::Duration;

use bottega_gateway::Call;
use bottega_llm::{ErrorKind, ModelError, Stop, StreamEvent, Usage};
use bottega_testkit::{Beat, Script};
use bottega_types::{Money, Tokens};

use crate::desk::{Desk, fails, model, options, question, says, times, usage};

/// Plays the scripts at two providers of one route; checks the story and how it ends.
async fn check(north: Vec<Script>, south: Vec<Script>, story: &str, end: Result<&str, ErrorKind>) {
    let (north, south) = (model(north), model(south));
    let desk = Desk::new(options(&[("north", &north), ("south", &south)]));
    let outcome = desk.ask(desk.call(question())).await;
    assert_eq!(desk.story(), story);
    match (outcome, end) {
        (Ok(answered), Ok(text)) => {
            assert_eq!(answered.answer.message.text(), text);
            // Ten tokens at a dollar a million and twenty at two: refused attempts cost nothing.
            assert_eq!(answered.cost, Money::from_nanos(50_000));
        }
        (Err(failed), Err(kind)) => {
            assert_eq!(failed.error.kind, kind, "{}", failed.error);
            assert_eq!(failed.spent, Default::default());
        }
        (outcome, end) => panic!("{outcome:?} instead of {end:?}"),
    }
    assert_eq!((north.unplayed(), south.unplayed()), (0, 0));
    assert_eq!((north.open_streams(), south.open_streams()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_first_model_answers() {
    check(vec![says("42")], vec![], "1 north/large", Ok("42")).await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_provider_is_asked_again_and_then_left() {
    let story = "1 north/large · waits after RateLimited · 2 north/large · waits after Overloaded · \
                 3 north/large · 4 south/large";
    let north = vec![
        fails(ErrorKind::RateLimited),
        fails(ErrorKind::Overloaded),
        fails(ErrorKind::Network),
    ];
    check(north, vec![says("42")], story, Ok("42")).await;
}

#[tokio::test(start_paused = true)]
async fn what_no_waiting_mends_goes_to_the_next_model_at_once() {
    for kind in [
        ErrorKind::Authentication,
        ErrorKind::Permission,
        ErrorKind::NotFound,
        ErrorKind::QuotaExhausted,
        ErrorKind::Unsupported,
        ErrorKind::Internal,
    ] {
        let story = "1 north/large · 2 south/large";
        check(vec![fails(kind)], vec![says("42")], story, Ok("42")).await;
        check(vec![fails(kind)], vec![fails(kind)], story, Err(kind)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_model_mends_is_returned_at_once() {
    for kind in [ErrorKind::ContextOverflow, ErrorKind::InvalidRequest] {
        check(vec![fails(kind)], vec![], "1 north/large", Err(kind)).await;
    }
}

/// It may have thought all the while: where the promise covers it the next is asked, and each counts.
#[tokio::test(start_paused = true)]
async fn a_provider_that_never_speaks_is_left() {
    let silent = || Script::beats(vec![Beat::Silence]);
    for (attempts, story) in [
        (4, "1 north/large · waits after Timeout · 2 north/large · waits after Timeout"),
        (1, "1 north/large"),
    ] {
        let (north, south) = (model([Script::silence(), silent(), silent()]), model([says("42")]));
        let desk = Desk::new(options(&[("north", &north), ("south", &south)]));
        let one = desk.call(question());
        let promised = one.worst;
        let outcome = desk.ask(times(one, attempts)).await;
        assert!(desk.story().starts_with(story), "{}", desk.story());
        match outcome {
            Ok(answered) => assert!(attempts == 4 && answered.cost > Money::from_nanos(50_000)),
            Err(failed) => assert!(attempts == 1 && failed.spent.money == promised.money),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_place_of_the_first_word_costs_nothing() {
    let started = StreamEvent::Started { model: "m".into(), response_id: None };
    let busy = ModelError::new(ErrorKind::Overloaded, "overloaded after all");
    let north = vec![Script::beats(vec![Beat::Event(started), Beat::Break(busy)]), says("42")];
    let story = "1 north/large · waits after Overloaded · 2 north/large";
    check(north, vec![], story, Ok("42")).await;
}

#[tokio::test(start_paused = true)]
async fn the_named_wait_is_kept() {
    let busy = ModelError {
        retry_after: Some(Duration::from_secs(21)),
        ..ModelError::new(ErrorKind::RateLimited, "slow down")
    };
    let north = model([Script::refusal(busy), says("42")]);
    let desk = Desk::new(options(&[("north", &north)]));
    let began = tokio::time::Instant::now();
    let answered = desk.ask(desk.call(question())).await.unwrap();
    // The clock is paused: it moved by what was waited, and by nothing else.
    assert_eq!(began.elapsed(), Duration::from_secs(21));
    assert_eq!((answered.timing.attempts, answered.timing.total_ms), (2, 21_000));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_told() {
    for (seconds, told) in [(90, "90 s"), (3_600, "60 min"), (86_400, "24 h")] {
        let busy = ModelError {
            retry_after: Some(Duration::from_secs(seconds)),
            ..ModelError::new(ErrorKind::RateLimited, "slow down")
        };
        let north = model([Script::refusal(busy)]);
        let desk = Desk::new(options(&[("north", &north)]));
        let failed = desk.ask(desk.call(question())).await.unwrap_err();
        let expected = format!("slow down; it wants to be asked again in {told}");
        assert_eq!(failed.error.message, expected);
    }
}

/// A stream that begins and then breaks.
fn breaks(beat: Beat) -> Script {
    Script::beats(vec![Beat::Event(StreamEvent::Text("The ans".into())), beat])
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_began_is_not_repeated_and_counts_at_its_worst() {
    let cut = ModelError::new(ErrorKind::CutOff, "cut");
    for (beat, kind) in [
        (Beat::Break(cut), ErrorKind::CutOff),
        (Beat::Break(ModelError::new(ErrorKind::Overloaded, "too late")), ErrorKind::Overloaded),
        (Beat::Silence, ErrorKind::Timeout),
        (Beat::Pause(Duration::ZERO), ErrorKind::CutOff),
    ] {
        let (north, south) = (model([breaks(beat)]), model([]));
        let desk = Desk::new(options(&[("north", &north), ("south", &south)]));
        let call = desk.call(question());
        let worst = call.worst;
        let failed = desk.ask(call).await.unwrap_err();
        assert_eq!(failed.error.kind, kind);
        assert_eq!(failed.spent, worst);
        assert_eq!(north.open_streams(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_began_is_repeated_when_that_was_promised() {
    let north = model([breaks(Beat::Silence), says("42")]);
    let desk = Desk::new(options(&[("north", &north)]));
    let call = times(desk.call(question()), 2);
    let worst = call.worst;
    let answered = desk.ask(call).await.unwrap();
    assert_eq!(answered.answer.message.text(), "42");
    let half = Money::from_nanos(worst.money.as_nanos() / 2);
    assert_eq!(answered.cost, half + Money::from_nanos(50_000));
    assert_eq!(answered.answer.usage.total(), Tokens::new(worst.tokens.get() / 2 + 30));
}

/// Asks as an agent does whose answers break off: anew, each time with a promise of its own.
#[tokio::test(start_paused = true)]
async fn a_model_that_breaks_off_again_and_again_is_left() {
    let cut = || breaks(Beat::Break(ModelError::new(ErrorKind::CutOff, "cut")));
    let (north, south) = (model([cut(), cut()]), model([says("42")]));
    let desk = Desk::new(options(&[("north", &north), ("south", &south)]));
    let mut broken_off = Vec::new();
    for _ in 0..2 {
        let call = Call { broken_off: broken_off.clone(), ..desk.call(question()) };
        broken_off.extend(desk.ask(call).await.unwrap_err().by);
    }
    let answered = desk.ask(Call { broken_off, ..desk.call(question()) }).await.unwrap();
    assert_eq!(answered.answer.message.text(), "42");
    assert_eq!(answered.cost, Money::from_nanos(50_000));
    assert_eq!(desk.story(), "1 north/large · 1 north/large · 1 south/large");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_ignores_the_limit_is_cut_off() {
    let torrent = (0..).map(|_| Beat::Event(StreamEvent::Text("spam ".repeat(100)))).take(1_000);
    let north = model([Script::beats(torrent.collect())]);
    let desk = Desk::new(options(&[("north", &north)]));
    let failed = desk.ask(desk.call(question())).await.unwrap_err();
    assert_eq!(failed.error.kind, ErrorKind::Unsupported);
    assert_eq!(north.open_streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_usage_counts_at_its_worst() {
    let north = model([Script::text("four", Usage::default())]);
    let desk = Desk::new(options(&[("north", &north)]));
    let call = desk.call(question());
    let prompt = call.worst.tokens.saturating_sub(Tokens::new(100));
    let answered = desk.ask(call).await.unwrap();
    assert_eq!(answered.answer.usage, usage(prompt.get(), 4));
}

#[tokio::test(start_paused = true)]
async fn usage_that_comes_after_the_end_is_taken() {
    let beats = [
        StreamEvent::Text("x".into()),
        StreamEvent::Ended(Stop::EndTurn),
        StreamEvent::Usage(usage(10, 20)),
    ];
    let north = model([Script::beats(beats.map(Beat::Event).to_vec())]);
    let desk = Desk::new(options(&[("north", &north)]));
    let answered = desk.ask(desk.call(question())).await.unwrap();
    assert_eq!((answered.cost, answered.answer.usage), (Money::from_nanos(50_000), usage(10, 20)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_everything() {
    let busy = (0..100).map(|_| fails(ErrorKind::Overloaded));
    let mut options = options(&[("north", &model(busy))]);
    for route in options.routes.values_mut() {
        route.retries.most = 1_000;
        route.deadline = Duration::from_secs(10);
    }
    let desk = Desk::new(options);
    let began = tokio::time::Instant::now();
    let failed = desk.ask(desk.call(question())).await.unwrap_err();
    assert_eq!(failed.error.kind, ErrorKind::Overloaded);
    assert!(began.elapsed() <= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_promise_is_too_small_is_not_sent() {
    let north = model([]);
    let desk = Desk::new(options(&[("north", &north)]));
    let mut call = desk.call(question());
    call.worst.money = Money::from_nanos(call.worst.money.as_nanos() - 1);
    let failed = desk.ask(call).await.unwrap_err();
    assert_eq!(failed.error.kind, ErrorKind::Budget);
    assert!(north.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_closes_its_stream() {
    let north = model([breaks(Beat::Silence)]);
    let desk = Desk::new(options(&[("north", &north)]));
    let asking = desk.ask(desk.call(question()));
    assert!(tokio::time::timeout(Duration::from_secs(1), asking).await.is_err());
    assert_eq!((north.requests().len(), north.open_streams()), (1, 0));
}

#[test]
fn a_call_can_move_between_threads() {
    fn check<T: Send>(_: T) {}
    let desk = Desk::new(options(&[("north", &model([]))]));
    check(desk.gateway.ask(desk.call(question()), &|_| {}));
}

/// Five failures in a row, by whatever call, and a model is left alone; half a minute later one call looks how it is.
#[tokio::test(start_paused = true)]
async fn a_model_that_fails_again_and_again_is_left_alone_for_a_while() {
    let down = || fails(ErrorKind::Network);
    let north = model([down(), down(), down(), down(), down(), down(), says("back"), says("on")]);
    let south = model([says("1"), says("2"), says("3"), says("4")]);
    let desk = Desk::new(options(&[("north", &north), ("south", &south)]));
    let answers = async |call: u32| {
        let answered = desk.ask(desk.call(question())).await.unwrap();
        assert_eq!(answered.answer.message.text(), call.to_string());
    };
    // Three failures, then two: the sixth attempt at it is not made.
    answers(1).await;
    answers(2).await;
    assert_eq!(north.unplayed(), 3);
    answers(3).await;
    assert_eq!(north.unplayed(), 3, "nobody asks it while it rests");
    tokio::time::sleep(Duration::from_secs(31)).await;
    // One call looks, and it rests again.
    answers(4).await;
    assert_eq!(north.unplayed(), 2);
    tokio::time::sleep(Duration::from_secs(31)).await;
    for text in ["back", "on"] {
        let answered = desk.ask(desk.call(question())).await.unwrap();
        assert_eq!(answered.answer.message.text(), text);
    }
    assert_eq!((north.unplayed(), south.unplayed()), (0, 0));
}

/// There is nobody else to ask, so it is asked as always.
#[tokio::test(start_paused = true)]
async fn the_last_model_of_a_route_is_asked_however_it_fared() {
    let down = (0..6).map(|_| fails(ErrorKind::Overloaded));
    let north = model(down.chain([says("42")]));
    let desk = Desk::new(options(&[("north", &north)]));
    for _ in 0..2 {
        desk.ask(desk.call(question())).await.unwrap_err();
    }
    let answered = desk.ask(desk.call(question())).await.unwrap();
    assert_eq!(answered.answer.message.text(), "42");
    assert_eq!(north.unplayed(), 0);
}

/// What is wrong with one request says nothing of the model.
#[tokio::test(start_paused = true)]
async fn a_wrong_request_opens_no_circuit() {
    let wrong = (0..6).map(|_| fails(ErrorKind::InvalidRequest));
    let (north, south) = (model(wrong.chain([says("42")])), model([]));
    let desk = Desk::new(options(&[("north", &north), ("south", &south)]));
    for _ in 0..6 {
        desk.ask(desk.call(question())).await.unwrap_err();
    }
    let answered = desk.ask(desk.call(question())).await.unwrap();
    assert_eq!(answered.answer.message.text(), "42");
}
