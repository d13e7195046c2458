//! Where results go: a reader that leaves early is no error, a full disk is one.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::Stdio;

use bottega_testkit::{Saying, ScriptedServer};
use serde_json::json;

use crate::home::Home;
use crate::live::Finished;
use crate::provider::Provider;

fn answering() -> ScriptedServer {
    ScriptedServer::of_turns([Saying::text("Here I am.")]).unwrap()
}

/// Views of every kind, after one run.
const VIEWS: [&[&str]; 10] = [
    &["audit", "export"],
    &["audit", "verify"],
    &["sessions", "list"],
    &["sessions", "show"],
    &["sessions", "export"],
    &["cost"],
    &["config", "show", "--json"],
    &["doctor"],
    &["man"],
    &["--help"],
];

/// A pipe whose reader has left.
fn nobody() -> Stdio {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full_disk() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn a_reader_that_left_is_told_nothing() {
    let home = Home::new();
    let server = answering();
    let run = home.run(&Provider::usual(&server), &["task"]).into(nobody()).done();
    assert!(!run.stderr.contains("error"), "{}", run.stderr);
    for view in VIEWS {
        let Finished { code, stderr, .. } = home.bottega(view).into(nobody());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{view:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let home = Home::new();
    let server = answering();
    let run = home.run(&Provider::usual(&server), &["task"]).into(full_disk()).with_code(1);
    assert!(run.stderr.contains("error[BTG0018]"), "{}", run.stderr);
    assert!(run.stderr.contains("next: run `bottega sessions show ses_"), "{}", run.stderr);
    // The answer is where the next step says.
    let shown = home.bottega(&["sessions", "show"]).finish().done();
    assert!(shown.stdout.contains("Here I am."), "{}", shown.stdout);
    for view in VIEWS {
        let came = home.bottega(view).into(full_disk()).with_code(1);
        let told = "standard output can't be written: No space left on device";
        assert!(came.stderr.contains("BTG0018"), "{view:?}: {}", came.stderr);
        assert!(came.stderr.contains(told), "{view:?}: {}", came.stderr);
    }
}

#[test]
fn a_run_whose_events_nobody_reads_is_stopped() {
    let home = Home::new();
    let endless = ScriptedServer::start(|asked| {
        let command = format!("echo {}", asked.turn);
        Saying::call("shell", json!({ "command": command }).to_string()).into()
    })
    .unwrap();
    let provider = Provider::usual(&endless);
    let run = home.run(&provider, &["--json", "task"]).into(nobody()).with_code(130);
    assert_eq!(run.stderr, "");
    assert_eq!(home.view(&["sessions", "show"])["ending"], "interrupted");
    home.audit();
}

#[test]
fn a_run_goes_on_without_standard_error() {
    let home = Home::new();
    let server = answering();
    let provider = Provider::usual(&server);
    let run = home.run(&provider, &["task"]).errors_into(full_disk());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "Here I am.\n"));
}
