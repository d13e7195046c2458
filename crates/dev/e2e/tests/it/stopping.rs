//! Nothing that the agent started outlives it, however it ends: neither in the cage nor outside of it.

use std::path::Path;
use std::time::Instant;

use bottega_testkit::{Saying, ScriptedServer};
use rustix::process::Signal;
use serde_json::json;

use crate::home::Home;
use crate::live::PATIENCE;
use crate::processes::Marked;
use crate::provider::Provider;

/// What a command starts: its name, the line, and how many of its processes carry the mark while it runs.
const COMMANDS: &[(&str, &str, usize)] = &[
    ("a blocked command", "echo up; sleep MARK", 1),
    ("a background child", "sleep MARK >/dev/null 2>&1 </dev/null & echo up; sleep MARK", 2),
    (
        "a daemon that forks twice",
        "(setsid sh -c '(sleep MARK &) >/dev/null 2>&1 </dev/null' &); echo up; sleep MARK",
        2,
    ),
    (
        "one that hears no signal",
        "(setsid sh -c 'trap \"\" HUP INT TERM; (sleep MARK & wait) & wait' >/dev/null 2>&1 &); trap '' HUP INT TERM; echo up; sleep MARK & wait; wait",
        2,
    ),
];

/// Ends a run by a signal while a command of it runs; nothing may be left.
#[track_caller]
fn check(mode: &str, signal: Signal) {
    for (number, (name, line, processes)) in COMMANDS.iter().enumerate() {
        // Other runs of this test on this machine have other marks.
        let mark = format!("1{}.{}{}{number}", signal.as_raw(), std::process::id(), mode.len());
        let call = json!({ "command": line.replace("MARK", &mark) }).to_string();
        let server =
            ScriptedServer::of_turns([Saying::call("shell", call), Saying::text("Done.")]).unwrap();
        let (home, provider) = (Home::new(), Provider::usual(&server));
        let words = ["run", "--access-mode", mode, "--model", provider.model(), "--json", "task"];
        // Whoever runs these tests may have them outlive a terminal.
        let hears = ["--default-signal=HUP"];
        let mut live = home.bottega(&words).with(&provider).by("env", &hears).start();
        live.wait_for(|event| event["type"] == "tool_output");
        let began = Instant::now();
        let mut running = Marked::find(&mark);
        while running.count() < *processes {
            assert!(began.elapsed() < PATIENCE, "{name}: {} processes", running.count());
            std::thread::yield_now();
            running = Marked::find(&mark);
        }
        live.signal(signal);
        let ended = live.finish();
        assert_ne!(ended.code, Some(0), "{name}: {ended:?}");
        running.wait_until_gone();
        Marked::find(&mark).wait_until_gone();
        if signal == Signal::KILL {
            // Its keeper is at work a little longer. Private folders of a killed one are a later one's to take away.
            let began = Instant::now();
            while home.workspace().join(".bottega").exists() {
                assert!(began.elapsed() < PATIENCE, "{name}: a placeholder is left");
                std::thread::yield_now();
            }
        } else {
            nothing_is_left_of_commands(&home);
        }
    }
}

/// What was made for commands is gone with them.
#[track_caller]
fn nothing_is_left_of_commands(home: &Home) {
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let cage = names(&home.own_files().join("cache/cage"));
    assert!(!cage.iter().any(|name| name.starts_with("cmd-")), "{cage:?}");
    let workspace = names(&home.workspace());
    assert!(!workspace.iter().any(|name| name == ".bottega"), "{workspace:?}");
}

#[test]
fn after_an_end_while_a_job_runs() {
    for mode in ["auto", "full"] {
        let mark = format!("19.{}{}", std::process::id(), mode.len());
        let job = json!({ "command": format!("echo up; sleep {mark}"), "wait": 60 }).to_string();
        let server =
            ScriptedServer::of_turns([Saying::call("job", job), Saying::text("Done.")]).unwrap();
        let (home, provider) = (Home::new(), Provider::usual(&server));
        let words = ["run", "--access-mode", mode, "--model", provider.model(), "task"];
        home.bottega(&words).with(&provider).finish().done();
        Marked::find(&mark).wait_until_gone();
        nothing_is_left_of_commands(&home);
    }
}

#[test]
fn after_a_hangup() {
    check("auto", Signal::HUP);
}

#[test]
fn after_an_interrupt() {
    check("auto", Signal::INT);
    check("full", Signal::INT);
}

#[test]
fn after_a_request_to_end() {
    check("auto", Signal::TERM);
    check("full", Signal::TERM);
}

#[test]
fn after_a_kill() {
    check("auto", Signal::KILL);
    check("full", Signal::KILL);
}

#[test]
fn after_a_command_that_left_something_behind() {
    for mode in ["auto", "full"] {
        let mark = format!("17.{}{}", std::process::id(), mode.len());
        let line = format!(
            "(setsid sh -c '(sleep {mark} &)' >/dev/null 2>&1 </dev/null &); sleep {mark} >/dev/null 2>&1 & echo up"
        );
        let call = json!({ "command": line }).to_string();
        let server =
            ScriptedServer::of_turns([Saying::call("shell", call), Saying::text("Done.")]).unwrap();
        let (home, provider) = (Home::new(), Provider::usual(&server));
        let words = ["run", "--access-mode", mode, "--model", provider.model(), "task"];
        home.bottega(&words).with(&provider).finish().done();
        Marked::find(&mark).wait_until_gone();
    }
}
