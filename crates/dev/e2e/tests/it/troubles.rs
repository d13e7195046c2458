//! What a provider's troubles do to a run.

use bottega_testkit::{Close, Saying, ScriptedServer, Serving, WireProtocol};
use serde_json::json;

use crate::home::Home;
use crate::live::Finished;
use crate::provider::Provider;

const PROMPT: [&str; 6] =
    ["--set", "models.retries=2", "--set", "models.retry_wait=1ms", "--json", "task"];

fn turns() -> [Saying; 2] {
    [
        Saying::call("read_file", json!({ "path": "greeting.txt" }).to_string()),
        Saying::text("It is a friendly greeting."),
    ]
}

/// A run of two turns where some requests are served otherwise; how it ended and how often was asked.
#[track_caller]
fn check(
    otherwise: impl IntoIterator<Item = (usize, Serving)>,
    code: i32,
    questions: usize,
) -> Finished {
    let home = Home::new();
    let server = ScriptedServer::of_turns_with(turns(), otherwise).unwrap();
    let run = home.run(&Provider::usual(&server), &PROMPT).finish().with_code(code);
    assert_eq!(server.asked().len(), questions, "{}", run.stdout);
    home.audit();
    run
}

#[track_caller]
fn check_every_protocol(serving: impl Fn() -> Serving, code: i32) {
    for protocol in WireProtocol::ALL {
        let home = Home::new();
        let server = ScriptedServer::start({
            let serving = serving();
            move |_| serving.clone()
        })
        .unwrap();
        let run = home.run(&Provider::new(protocol, &server), &PROMPT).finish();
        assert_eq!(run.code, Some(code), "{protocol:?}: {run:?}");
    }
}

#[test]
fn a_busy_provider_is_asked_again() {
    check([(0, Serving::busy(0))], 0, 3);
    check([(1, Serving::status(500)), (2, Serving::status(529))], 0, 4);
}

#[test]
fn a_provider_that_stays_broken_is_given_up() {
    check_every_protocol(|| Serving::status(500), 5);
    let run = check((0..9).map(|number| (number, Serving::status(503))), 5, 3);
    assert_eq!(run.events().last().unwrap()["ending"], "provider");
}

#[test]
fn a_wrong_key_is_not_tried_twice() {
    check_every_protocol(|| Serving::status(401), 5);
    check([(0, Serving::status(401))], 5, 1);
}

#[test]
fn a_wait_longer_than_allowed_is_not_waited_for() {
    check([(0, Serving::busy(86_400))], 5, 1);
}

#[test]
fn a_cut_stream_is_asked_again_and_no_call_of_it_is_run() {
    let append = Saying::call("shell", json!({ "command": "echo once >> effects" }).to_string());
    let home = Home::new();
    let cut = Serving::Cut { answer: append.clone(), after: 700 };
    let turns = [append, Saying::text("Done.")];
    let server = ScriptedServer::of_turns_with(turns, [(0, cut)]).unwrap();
    home.run(&Provider::usual(&server), &PROMPT).finish().done();
    assert_eq!(server.asked().len(), 3);
    assert_eq!(home.read("effects"), "once\n");
}

#[test]
fn a_silent_stream_is_cut_by_its_deadline() {
    let home = Home::new();
    let stall = Serving::Stall { answer: turns()[0].clone(), after: 60 };
    let server = ScriptedServer::of_turns_with(turns(), [(0, stall)]).unwrap();
    let words = [&["--set", "models.idle_timeout=1s"], &PROMPT[..]].concat();
    home.run(&Provider::usual(&server), &words).finish().done();
    assert_eq!(server.close(0), Some(Close::Left));
    assert!(
        server.asked()[1..].iter().any(|asked| asked.turn == 0),
        "the same turn was asked again"
    );
}

#[test]
fn garbage_ends_in_bounded_time() {
    let home = Home::new();
    let server =
        ScriptedServer::start(|_| Serving::Garbage(b"data: {\"oh\": no}\n\n".to_vec())).unwrap();
    home.run(&Provider::usual(&server), &PROMPT).finish().with_code(5);
    // Each may have to be paid, so none is repeated on the quiet.
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn an_overflow_compacts_and_goes_on() {
    for protocol in WireProtocol::ALL {
        let home = Home::new();
        home.write("long.txt", "A line that is not short at all.\n".repeat(2_000));
        let server = ScriptedServer::start(|asked| match asked.number {
            0..8 => {
                let page = json!({ "path": "long.txt", "start_line": 100 * asked.number + 1, "line_count": 100 });
                Saying::call("read_file", page.to_string()).into()
            }
            8 => Serving::Overflow,
            _ => Saying::text("Done in a smaller window.").into(),
        })
        .unwrap();
        let run = home.run(&Provider::new(protocol, &server), &PROMPT).finish();
        assert_eq!(run.code, Some(0), "{protocol:?}: {run:?}");
        let compacted = run.events().iter().filter(|event| event["type"] == "compacted").count();
        assert_eq!(compacted, 1, "{protocol:?}");
        let sizes: Vec<usize> =
            server.asked().iter().map(|asked| asked.conversation_bytes().len()).collect();
        assert!(sizes[9] < sizes[8] * 2 / 3, "{protocol:?}: {sizes:?}");
        let after = &server.asked()[9];
        assert!(String::from_utf8_lossy(&after.raw).contains("task"), "the task is not forgotten");
    }
}

#[test]
fn an_overflow_that_stays_ends_it() {
    let home = Home::new();
    let server = ScriptedServer::start(|_| Serving::Overflow).unwrap();
    let run = home.run(&Provider::usual(&server), &PROMPT).finish();
    assert!(matches!(run.code, Some(3 | 5)), "{run:?}");
    assert!(server.asked().len() <= 4, "{} questions", server.asked().len());
}
