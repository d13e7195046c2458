//! A key never leaves the way to its provider: not to output, events, prompts or files.

use bottega_testkit::{Saying, ScriptedServer, WireProtocol};
use serde_json::json;

use crate::home::{Home, files_below};
use crate::provider::Provider;

/// Looked for wherever a key must not be.
const CANARY: &str = "sk-canary-7f3a9b2c4d5e6f708192a3b4";

fn has(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}

fn snooping() -> [Saying; 4] {
    let shell = |command: &str| json!({ "command": command }).to_string();
    [
        Saying::call("shell", shell("env; cat /proc/self/environ; cat leaked.env"))
            .and_call("read_file", json!({ "path": "leaked.env" }).to_string())
            .and_call("grep", json!({ "pattern": "KEY" }).to_string()),
        Saying::call("shell", shell("cat leaked.env >&2; exit 3")),
        Saying::call("shell", shell("tr '\\0' '\\n' < /proc/$PPID/environ")),
        Saying::text("Nothing was to be seen."),
    ]
}

#[track_caller]
fn check(turns: &[Saying]) {
    for words in [&["task"][..], &["--json", "-vv", "task"]] {
        let home = Home::new();
        home.write("leaked.env", format!("KEY={CANARY}\n"));
        let server = ScriptedServer::of_turns(turns.to_vec()).unwrap();
        let provider = Provider { key: CANARY, ..Provider::new(WireProtocol::Responses, &server) };
        let run = home.run(&provider, words).finish().done();

        assert!(!has(run.stdout.as_bytes()), "{}", run.stdout);
        assert!(!has(run.stderr.as_bytes()), "{}", run.stderr);
        assert_eq!(server.asked().len(), turns.len());
        for asked in server.asked() {
            assert!(asked.has_key_of(CANARY));
            assert!(!has(&asked.raw), "{}", String::from_utf8_lossy(&asked.raw));
        }
        let seen = |words: &[&str]| {
            let shown = home.bottega(words).with(&provider).finish().done();
            assert!(!has(shown.stdout.as_bytes()), "{words:?}: {}", shown.stdout);
            assert!(!has(shown.stderr.as_bytes()), "{words:?}: {}", shown.stderr);
        };
        seen(&["audit", "export"]);
        seen(&["sessions", "show", "last"]);
        seen(&["sessions", "export", "last"]);
        seen(&["config", "show"]);
        for (path, bytes) in files_below(&home.own_files()) {
            assert!(!has(&bytes), "{}", path.display());
        }
    }
}

#[test]
fn what_tools_see_is_masked() {
    check(&snooping());
}

#[test]
fn what_the_model_says_is_masked() {
    let echo = json!({ "command": format!("echo {CANARY}") }).to_string();
    check(&[
        Saying::text(format!("I try {CANARY}.")).and_call("shell", echo),
        Saying::text(format!("The key is {CANARY}.")),
    ]);
}

#[test]
fn a_missing_secret_is_told_with_the_way_to_give_it() {
    let home = Home::new();
    home.settings(
        "[model]\ndefault = \"s/m\"\n[providers.s]\nprotocol = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\nkey = \"secret:GONE\"\n",
    );
    let told = home.bottega(&["run", "task"]).finish().with_code(1).stderr;
    assert!(told.starts_with("error[BTG0013]: providers.s.key: "), "{told}");
    assert!(told.contains("bottega secret set GONE") && !told.contains("WARN"), "{told}");
}
