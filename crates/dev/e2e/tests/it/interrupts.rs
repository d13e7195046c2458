//! Ctrl-C ends a run with 130; nothing goes on and nothing is lost.

use bottega_testkit::{Close, Saying, ScriptedServer, Serving};
use rustix::process::Signal;
use serde_json::json;

use crate::home::Home;
use crate::live::{Finished, Live, PATIENCE};
use crate::processes::Marked;
use crate::provider::Provider;

#[test]
fn while_the_model_is_silent() {
    let home = Home::new();
    let server =
        ScriptedServer::of_turns_with([Saying::text("Here I am.")], [(0, Serving::silence())])
            .unwrap();
    let provider = Provider::usual(&server);
    let live = home.run(&provider, &["task"]).start();
    assert!(server.wait_for_questions(1, PATIENCE));
    live.signal(Signal::INT);
    let run = live.finish().with_code(130);
    assert_eq!(run.stdout, "");
    assert_eq!(server.wait_for_close(0, PATIENCE), Some(Close::Left));

    let again = home.resume(&provider, &["--task", "go on"]).finish().done();
    assert_eq!(again.stdout, "Here I am.\n");
    home.audit();
}

/// A run whose command waits for ever.
struct Sleeping {
    home: Home,
    server: ScriptedServer,
    mark: String,
}

impl Sleeping {
    fn new(name: u32) -> Self {
        // Other runs of this test on this machine have other marks.
        let mark = format!("1000.{name}{}", std::process::id());
        let command =
            format!("echo waiting; sleep {mark} & sleep {mark}; wait; echo late >> effects");
        let server = ScriptedServer::of_turns([
            Saying::call("shell", json!({ "command": command }).to_string()),
            Saying::text("It was stopped."),
        ])
        .unwrap();
        Self { home: Home::new(), server, mark }
    }

    /// Starts it, waits until the command waits, and ends it in some way; no process may be left.
    #[track_caller]
    fn ended_by(&self, end: impl FnOnce(Live) -> Finished) -> Finished {
        let mut live = self.home.run(&Provider::usual(&self.server), &["--json", "task"]).start();
        live.wait_for(|event| event["type"] == "tool_output");
        let waiting = Marked::find(&self.mark);
        assert!(waiting.count() > 0);
        let run = end(live);
        waiting.wait_until_gone();
        Marked::find(&self.mark).wait_until_gone();
        assert!(!self.home.workspace().join("effects").exists());
        run
    }

    /// Goes on, and returns what the model is told.
    #[track_caller]
    fn resumed(&self, words: &[&str]) -> String {
        self.home.resume(&Provider::usual(&self.server), words).finish().done();
        self.home.audit();
        String::from_utf8(self.server.asked()[1].raw.to_vec()).unwrap()
    }
}

#[test]
fn while_a_command_runs() {
    let sleeping = Sleeping::new(1);
    let run = sleeping.ended_by(|live| {
        live.signal(Signal::INT);
        live.finish()
    });
    let run = run.with_code(130);
    assert_eq!(run.events().last().unwrap()["ending"], "interrupted");
    let told = sleeping.resumed(&["--task", "go on"]);
    assert!(told.contains("Stopped before it ended"), "{told}");
}

#[test]
fn by_a_request_to_end() {
    let sleeping = Sleeping::new(2);
    let run = sleeping.ended_by(|live| {
        live.signal(Signal::TERM);
        live.finish()
    });
    assert_ne!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_killed_run_leaves_no_command_behind() {
    let sleeping = Sleeping::new(3);
    let run = sleeping.ended_by(Live::kill);
    assert_eq!(run.signal, Some(9));
    let told = sleeping.resumed(&[]);
    assert!(told.contains("was not run again"), "{told}");
}
