//! A terminal that goes away ends what ran in it; nothing goes on unseen and nothing is lost.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use bottega_testkit::{Saying, ScriptedServer, Serving};
use rustix::process::Signal;
use serde_json::json;

use crate::home::{CommandLine, Home};
use crate::live::PATIENCE;
use crate::provider::Provider;

/// 128 and the number of SIGHUP.
const HUNG_UP: i32 = 129;

fn talking() -> ScriptedServer {
    ScriptedServer::of_turns([Saying::text("Here I am.")]).unwrap()
}

/// A command that hears of its terminal's end, also where these tests themselves were told to outlive theirs.
fn heard(command: CommandLine) -> CommandLine {
    command.by("env", &["--default-signal=HUP"])
}

#[test]
fn a_run_is_ended_and_can_be_resumed() {
    let home = Home::new();
    let answers = [
        Saying::call("shell", json!({ "command": "echo once >> effects" }).to_string()),
        Saying::text("It is written once."),
    ];
    let server = ScriptedServer::of_turns_with(answers, [(1, Serving::silence())]).unwrap();
    let provider = Provider::usual(&server);
    let live = heard(home.run(&provider, &["task"])).start();
    assert!(server.wait_for_questions(2, PATIENCE));
    live.signal(Signal::HUP);
    live.finish().with_code(HUNG_UP);
    home.audit();

    let resumed = home.resume(&provider, &[]).finish().done();
    assert_eq!(resumed.stdout, "It is written once.\n");
    assert_eq!(home.read("effects"), "once\n");
    home.audit();
}

#[test]
fn a_run_that_was_told_to_outlive_its_terminal_does() {
    let home = Home::new();
    let (release, held) = channel();
    let held = Mutex::new(held);
    let server = ScriptedServer::start(move |_| {
        held.lock().unwrap().recv().unwrap();
        Saying::text("Here.").into()
    })
    .unwrap();
    let provider = Provider::usual(&server);
    let live = home.run(&provider, &["task"]).by("env", &["--ignore-signal=HUP"]).start();
    assert!(server.wait_for_questions(1, PATIENCE));
    live.signal(Signal::HUP);
    release.send(()).unwrap();
    assert_eq!(live.finish().done().stdout, "Here.\n");
}

#[test]
fn a_chat_ends_with_its_terminal() {
    let home = Home::new();
    let server = talking();
    let mut person = heard(home.bottega(&["chat"]).with(&Provider::usual(&server))).at_a_terminal();
    person.sees("› ");
    assert_eq!(person.leaves(), HUNG_UP);
}

#[test]
fn a_chat_ends_with_a_terminal_that_tells_nobody() {
    let home = Home::new();
    let server = talking();
    let chat = home.bottega(&["chat"]).with(&Provider::usual(&server));
    let mut person = chat.at_a_silent_terminal();
    person.sees("› ");
    assert_eq!(person.leaves(), HUNG_UP);
}

#[test]
fn a_chat_at_work_ends_with_its_terminal_too() {
    let home = Home::new();
    let server =
        ScriptedServer::of_turns_with([Saying::text("Here.")], [(0, Serving::silence())]).unwrap();
    let provider = Provider::usual(&server);
    let words = ["chat", "--model", provider.model()];
    let mut person = heard(home.bottega(&words).with(&provider)).at_a_terminal();
    person.sees("› ");
    person.types("task\r");
    assert!(server.wait_for_questions(1, PATIENCE));
    assert_eq!(person.leaves(), HUNG_UP);
    let resumed = home.resume(&provider, &[]).finish().done();
    assert_eq!(resumed.stdout, "Here.\n");
}

#[test]
fn a_chat_is_talked_in_and_left() {
    let home = Home::new();
    let server = talking();
    let provider = Provider::usual(&server);
    let words = ["chat", "--model", provider.model()];
    let mut person = home.bottega(&words).with(&provider).at_a_terminal();
    person.sees("› ");
    person.types("/model nonsense\r");
    person.sees("neither a route nor `PROVIDER/NAME`");
    person.sees("› ");
    person.types("are you there?\r");
    person.sees("Here I am.");
    person.sees("› ");
    person.types("\u{4}");
    let (code, seen) = person.waits();
    assert_eq!(code, Some(0), "{seen}");
}

#[test]
fn ctrl_c_at_a_question_is_kept_as_a_no_of_the_person() {
    let home = Home::new();
    let command = json!({ "command": "echo x >> effects" }).to_string();
    let server =
        ScriptedServer::of_turns([Saying::call("shell", command), Saying::text("Refused.")])
            .unwrap();
    let provider = Provider::usual(&server);
    let words = ["run", "--access-mode", "ask", "--model", provider.model(), "task"];
    let mut person = home.bottega(&words).with(&provider).at_a_terminal();
    person.sees("[y]es once");
    person.types("\u{3}");
    let (code, seen) = person.waits();
    assert_eq!(code, Some(130), "{seen}");
    assert!(!home.workspace().join("effects").exists());
    let records = home.records();
    let report = records.iter().find(|record| record["kind"] == "tool.finished").unwrap();
    let report = report["data"].as_str().unwrap();
    assert!(report.contains("The user stopped the work"), "{report}");
    assert_eq!(server.asked().len(), 1, "the model is asked nothing more");
}
