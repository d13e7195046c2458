//! A session of twenty turns survives `kill -9` at each of its events.
//!
//! What holds after any kill: an answer that was stored is never asked for again; a command that may have run is
//! not run again, and one that did not run is reported to the model; the work ends as it would have; and the
//! journal's chain holds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::{Value, json};

use crate::home::Home;
use crate::provider::Provider;

const TURNS: usize = 20;
const ANSWER: &str = "All twenty turns are taken.";

/// A command that leaves a line of its own.
fn leave(mark: usize) -> String {
    json!({ "command": format!("echo mark-{mark} >> effects; echo did {mark}") }).to_string()
}

fn look(line: usize) -> String {
    json!({ "path": "lines.txt", "start_line": line, "line_count": 1 }).to_string()
}

fn change(line: usize) -> String {
    json!({ "path": "lines.txt", "old_text": format!("line {line:02}."), "new_text": format!("Line {line:02}!") })
        .to_string()
}

fn turn(number: usize) -> Saying {
    match number {
        19 => Saying::text(ANSWER),
        number => match number % 5 {
            0 => {
                Saying::call("read_file", look(number + 1)).and_call("read_file", look(number + 2))
            }
            1 => Saying::call("shell", leave(number)),
            2 => Saying::text("I change it.").and_call("edit_file", change(number)),
            3 => Saying::call("shell", leave(number)).and_call("read_file", look(number + 1)),
            _ => Saying::call("shell", leave(number)).and_call("shell", leave(100 + number)),
        },
    }
}

struct Scene {
    home: Home,
    server: ScriptedServer,
}

impl Scene {
    fn new() -> Self {
        let home = Home::new();
        let lines: String = (0..30).map(|line| format!("line {line:02}.\n")).collect();
        home.write("lines.txt", lines);
        Self { home, server: ScriptedServer::of_turns((0..TURNS).map(turn)).unwrap() }
    }

    fn provider(&self) -> Provider<'_> {
        Provider::usual(&self.server)
    }

    /// Reads as many events of the run, then kills it. A run that has fewer comes to its own end.
    fn killed_after(&self, events: usize) {
        let mut live = self.home.run(&self.provider(), &["--json", "twenty turns"]).start();
        for _ in 0..events {
            live.line();
        }
        live.kill();
    }

    /// Goes on until the work has ended.
    fn resume(&self) {
        let resumed = self.home.resume(&self.provider(), &[]).finish();
        // The kill may have come after the end: then there was nothing to go on with.
        assert!(resumed.code == Some(0) || resumed.stderr.contains("BTG0005"), "{resumed:?}");
    }
}

/// What a record holds.
fn data(record: &Value) -> Value {
    serde_json::from_str(record["data"].as_str().unwrap()).unwrap()
}

/// How often each record's kind stands in the journal.
fn kinds(records: &[Value]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for record in records {
        *kinds.entry(record["kind"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    kinds
}

/// What a kill cut into.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    /// Answers that were not stored yet.
    answers: usize,
    /// Commands whose outcome nobody knew.
    commands: usize,
}

/// Kills at one event, goes on, and checks what holds.
fn check(events: usize) -> Cut {
    let scene = Scene::new();
    scene.killed_after(events);
    scene.resume();

    let records = scene.home.records();
    let ends: Vec<&Value> =
        records.iter().filter(|record| record["kind"] == "session.ended").collect();
    assert_eq!(ends.len(), 1, "killed at {events}: {ends:?}");
    let end = data(ends[0]);
    assert_eq!(
        (&end["how"]["end"], &end["answer"]),
        (&json!("done"), &json!(ANSWER)),
        "killed at {events}"
    );
    let kinds = kinds(&records);
    let count = |kind: &str| kinds.get(kind).copied().unwrap_or_default();
    assert_eq!(count("model.answered"), TURNS, "killed at {events}: {kinds:?}");
    let mut questions: BTreeMap<usize, usize> = BTreeMap::new();
    for asked in scene.server.asked() {
        *questions.entry(asked.turn).or_default() += 1;
    }
    assert_eq!(questions.len(), TURNS, "killed at {events}: {questions:?}");
    // A question is asked again only where the journal says that its answer was not stored.
    let again: usize = questions.values().map(|times| times - 1).sum();
    assert!(
        again <= count("model.failed") && again <= 1,
        "killed at {events}: {questions:?} {kinds:?}"
    );

    let reports = records.iter().filter(|record| record["kind"] == "tool.finished");
    let interrupted =
        reports.map(data).filter(|report: &Value| report["outcome"] == "interrupted").count();
    let effects = std::fs::read_to_string(scene.home.workspace().join("effects")).unwrap();
    let mut missing = 0;
    for mark in (0..TURNS - 1).flat_map(|number| match number % 5 {
        1 | 3 => vec![number],
        4 => vec![number, 100 + number],
        _ => vec![],
    }) {
        let line = format!("mark-{mark}");
        let times = effects.lines().filter(|found| *found == line).count();
        assert!(times <= 1, "killed at {events}: {line} stands there {times} times");
        missing += 1 - times;
    }
    assert!(
        missing <= interrupted,
        "killed at {events}: {missing} missing, {interrupted} interrupted"
    );
    scene.home.audit();
    Cut { answers: again, commands: interrupted }
}

#[test]
fn at_every_event() {
    let whole = Scene::new();
    let run = whole.home.run(&whole.provider(), &["--json", "twenty turns"]).finish().done();
    let events = run.stdout.lines().count();
    assert_eq!(whole.server.asked().len(), TURNS);
    assert!(events > 5 * TURNS, "{events} events");

    // The last event is the end; a kill after it is a kill of nothing.
    let next = AtomicUsize::new(1);
    let one_after_another = || {
        let mut all = Cut::default();
        loop {
            let event = next.fetch_add(1, Ordering::Relaxed);
            if event >= events {
                return all;
            }
            let cut = check(event);
            all.answers += cut.answers;
            all.commands += cut.commands;
        }
    };
    let cuts: Vec<Cut> = std::thread::scope(|scope| {
        let hands = [scope.spawn(one_after_another), scope.spawn(one_after_another)];
        hands.map(|hand| hand.join().unwrap()).to_vec()
    });
    // Kills that cut into nothing would prove nothing.
    let answers: usize = cuts.iter().map(|cut| cut.answers).sum();
    let commands: usize = cuts.iter().map(|cut| cut.commands).sum();
    println!("{} kills cut into {answers} answers and {commands} commands", events - 1);
    assert!(answers > 0 && commands > 0, "{cuts:?}");
}
