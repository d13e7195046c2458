//! Views: tables, pages and their JSON.

use bottega_api::{
    ChangeView, Ending, GrantFor, GrantView, SessionDetail, SessionState, SessionSummary,
    TranscriptEntry,
};
use bottega_cli::ColorChoice;

use crate::world::{Came, NOW, World, session, totals};

/// A session with this number, begun an hour ago.
pub(crate) fn sample(number: u64) -> SessionDetail {
    let at_ms = NOW.as_millis() - 3_600_000 * number * number;
    let entry = |revision, kind: &str, title: &str, body: &str| TranscriptEntry {
        revision,
        at_ms: at_ms + revision * 1_000,
        kind: kind.into(),
        title: title.into(),
        body: body.into(),
    };
    let long: String = (1..=20).map(|line| format!("line {line}\n")).collect();
    SessionDetail {
        summary: SessionSummary {
            id: session(number.into()).to_string(),
            title: "Make the failing test of the invoice library pass, and explain why".into(),
            state: SessionState::Open,
            ending: None,
            agent: "coder".into(),
            model: "local/qwen2.5-coder-1.5b".into(),
            workspace: "/code/demo".into(),
            started_ms: at_ms,
            updated_ms: at_ms,
            changed: vec!["src/lib.rs".into()],
            totals: totals(),
        },
        answer: "The sum began at one.\u{1b}[2J".into(),
        why: None,
        transcript: vec![
            entry(1, "session.tasked", "task", "Make the failing test pass"),
            entry(2, "tool.started", "calls shell", "{\"command\":\"cargo test\"}"),
            entry(3, "tool.finished", "command_failed: exit status 101", &long),
        ],
        changes: vec![
            ChangeView {
                path: "src/lib.rs".into(),
                diff: Some("--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1 +1 @@\n-let sum = 1;\n+let sum = 0;\n".into()),
            },
            ChangeView { path: "logo.png".into(), diff: None },
        ],
    }
}

pub(crate) fn world() -> World {
    let mut second = sample(2);
    second.summary.state = SessionState::Failed;
    second.summary.ending = Some(Ending::Limit);
    second.why = Some("the limit of 30 turns was reached".into());
    second.summary.totals.cost_usd = Some(0.0312);
    let mut third = sample(9);
    third.summary.state = SessionState::Done;
    third.summary.totals.cost_usd = None;
    third.summary.title = "\u{1b}[31mshort".into();
    World {
        sessions: vec![sample(1), second, third],
        terminals: (false, true, false),
        color: ColorChoice::Never,
        ..World::default()
    }
}

fn run(line: &[&str]) -> Came {
    world().run(line)
}

#[test]
fn sessions_are_listed() {
    let came = run(&["sessions", "list"]);
    assert!(came.out.lines().all(|line| line.chars().count() <= 80), "{}", came.out);
    assert_eq!(came.left.calls, ["list Some(\"/code/demo\") 20"]);
    insta::assert_snapshot!(came.page());
    let piped = World { terminals: (false, false, false), ..world() }.run(&["sessions", "list"]);
    assert!(piped.out.contains("and explain why\n"), "a pipe gets all of it: {}", piped.out);
    insta::assert_snapshot!(run(&["sessions", "list", "--all"]).page());
    insta::assert_snapshot!(World::default().run(&["sessions", "list"]).out, @"no sessions of this folder yet; `--all` shows those of others");
}

#[test]
fn a_session_is_shown() {
    insta::assert_snapshot!(run(&["sessions", "show"]).page());
    assert!(run(&["sessions", "show", "--full"]).out.contains("line 20"));
    let colored = World { color: ColorChoice::Always, ..world() };
    insta::assert_snapshot!(colored.run(&["sessions", "show", "2"]).page());
}

#[test]
fn what_a_title_says_is_not_said_again() {
    let mut interrupted = sample(1);
    let why = "Stopped before it ended; it may have done part of its work.";
    let entry = &mut interrupted.transcript[2];
    entry.title = format!("interrupted: {why}");
    entry.body = why.into();
    interrupted.summary.state = SessionState::Failed;
    interrupted.summary.ending = Some(Ending::Interrupted);
    interrupted.why = Some("interrupted".into());
    let shown = World { sessions: vec![interrupted], ..world() }.run(&["sessions", "show"]).out;
    assert_eq!(shown.matches(why).count(), 1, "{shown}");
    assert!(shown.contains("interrupted\n      Stopped before"), "{shown}");
    assert!(!shown.contains("why it ended"), "{shown}");
}

#[test]
fn sessions_are_worked_with() {
    let id = session(1).to_string();
    assert_eq!(run(&["sessions", "fork", "last", "--at", "2"]).out, format!("{id}\n"));
    assert_eq!(run(&["sessions", "export"]).out, "{\"position\":1}\n{\"position\":2}\n");
    let removed = run(&["sessions", "rm", "1", "2"]);
    assert_eq!((removed.out.as_str(), removed.left.calls.len()), ("2 sessions removed\n", 2));
    let twice = run(&["sessions", "rm", "last", "last"]);
    assert_eq!((twice.out.as_str(), twice.left.calls.len()), ("1 session removed\n", 1));
    let slip = run(&["sessions", "rm", "1", "zzz"]);
    assert_eq!((slip.exit, slip.left.calls.len()), (2, 0));
    let undone = run(&["sessions", "undo"]);
    // Not all of it could be taken back.
    assert_eq!(undone.exit, 1);
    insta::assert_snapshot!(undone.out, @"
    ✓ restored src/lib.rs
    ✓ deleted src/new.rs: there was none before
    ! left alone README.md: it was changed since
    ! left alone logo.png: its earlier version is not kept any more
    ! not kept, so not taken back: what job 1 changed (`make`)
    ");
}

#[test]
fn grants_are_listed_and_revoked() {
    let grant = |id: &str, may: &str, scope, project: &str| GrantView {
        id: id.into(),
        may: may.into(),
        uncaged: may.contains("push"),
        scope,
        session: session(1).to_string(),
        project: project.into(),
        at_ms: NOW.as_millis(),
    };
    let world = || World {
        grants: vec![
            grant("grt_01a", "run `make test`", GrantFor::Project, "/code/demo"),
            grant("grt_01b", "run `git push`\u{202e}", GrantFor::Session, "/code/demo"),
            grant("grt_01c", "connect to example.org", GrantFor::Project, "/code/other"),
        ],
        ..world()
    };
    insta::assert_snapshot!(world().run(&["grants"]).page());
    insta::assert_snapshot!(world().run(&["grants", "list", "--all", "--json"]).page());
    let came = world().run(&["grants", "revoke", "01a"]);
    assert_eq!(came.out, "grt_01a is revoked: run `make test`\n");
    assert_eq!(came.left.calls, ["revoke [\"01a\"]"]);
    let all = world().run(&["grants", "revoke", "--all"]);
    assert_eq!(all.left.calls, ["revoke [\"grt_01a\", \"grt_01b\"]"]);
    let none = || World { grants: Vec::new(), ..world() };
    assert_eq!(none().run(&["grants", "revoke", "--all"]).exit, 2);
    assert_eq!(none().run(&["grants", "revoke"]).exit, 2);
    insta::assert_snapshot!(none().run(&["grants"]).out, @"nothing is allowed beyond the settings in this folder; `--all` shows those of others");
}

#[test]
fn costs_are_summed() {
    insta::assert_snapshot!(run(&["cost"]).page());
    insta::assert_snapshot!(run(&["cost", "--by", "model", "--json"]).page());
}

#[test]
fn the_doctor_tells_what_to_mend() {
    insta::assert_snapshot!(run(&["doctor"]).page());
    let broken = World { broken: true, color: ColorChoice::Always, ..World::default() };
    insta::assert_snapshot!(broken.run(&["doctor"]).page());
}

#[test]
fn an_audit_names_what_is_broken() {
    insta::assert_snapshot!(run(&["audit", "verify"]).page());
    let broken = World { broken: true, ..World::default() };
    insta::assert_snapshot!(broken.run(&["audit", "verify"]).page());
}

#[test]
fn an_audit_is_exported_and_overwrites_nothing() {
    assert_eq!(run(&["audit", "export"]).out, "{\"position\":1}\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.jsonl");
    let path = file.display().to_string();
    assert_eq!(run(&["audit", "export", &path]).exit, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"position\":1}\n");
    let again = run(&["audit", "export", &path]);
    assert_eq!((again.exit, again.err.starts_with("error[BTG0015]")), (2, true), "{}", again.err);
}

#[test]
fn models_are_shown() {
    insta::assert_snapshot!(run(&["model", "list"]).page());
    insta::assert_snapshot!(run(&["model", "show", "qwen2.5-coder-1.5b"]).out);
    insta::assert_snapshot!(run(&["model", "bench", "qwen2.5-coder-1.5b"]).out);
    insta::assert_snapshot!(run(&["model", "recommend"]).out);
    assert_eq!(run(&["model", "rm", "a", "b", "a"]).left.calls, ["remove a", "remove b"]);
}

#[test]
fn deleting_the_default_model_says_what_becomes_of_the_default() {
    let default = || World { default_model: true, ..world() };
    insta::assert_snapshot!(default().run(&["model", "rm", "a", "b"]).out, @"
    a removed
    it was the default: `model.default` is unset in /home/ada/.config/bottega/config.toml; `bottega model use …` sets another
    b removed
    `model.default` still names it, in environment BOTTEGA_MODEL_DEFAULT; change it there
    ");
    let json = default().run(&["model", "rm", "a", "--json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["default"]["unset_in"], "/home/ada/.config/bottega/config.toml");
}

#[test]
fn a_pull_tells_how_far_it_is() {
    let came = run(&["model", "pull", "--use"]);
    assert_eq!(came.left.calls, ["pull qwen2.5-coder-1.5b", "use local/qwen2.5-coder-1.5b"]);
    insta::assert_snapshot!(came.page());
    let json = run(&["model", "pull", "--json", "x"]);
    assert_eq!(json.err, "");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json.out).unwrap()["size"],
        1_117_320_768
    );
}

#[test]
fn settings_are_shown_with_their_origin() {
    insta::assert_snapshot!(run(&["config", "show"]).page());
    insta::assert_snapshot!(run(&["config", "path"]).page());
    assert_eq!(run(&["config", "get", "access.mode"]).out, "auto\n");
    assert_eq!(run(&["config", "get", "no.such"]).exit, 2);
    let set = run(&["config", "set", "limits.turns", "30", "--layer", "project"]);
    assert_eq!(set.left.calls, ["set limits.turns 30 project"]);
    assert_eq!(run(&["config", "trust"]).out, "/code/demo/.bottega is trusted as it is now\n");
}

#[test]
fn a_secret_is_never_an_argument_and_never_shown() {
    let piped = World { stdin: Some(b"canary-value-1234\n".to_vec()), ..World::default() };
    let came = piped.run(&["secret", "set", "SOME_KEY"]);
    assert_eq!(came.left.secrets, [("SOME_KEY".to_owned(), "canary-value-1234".to_owned())]);
    assert!(!came.page().contains("canary"), "{}", came.page());
    let typed = World { typed: ["canary-value-1234".to_owned()].into(), ..World::default() };
    let came = typed.on_terminals().run(&["secret", "set", "SOME_KEY"]);
    assert_eq!(came.left.secrets.len(), 1);
    assert!(!came.page().contains("canary"), "{}", came.page());
    assert_eq!(run(&["secret", "set", "SOME_KEY", "canary-value-1234"]).exit, 2);
    let empty = World { stdin: Some(b"\n".to_vec()), ..World::default() };
    assert_eq!(empty.run(&["secret", "set", "SOME_KEY"]).exit, 2);
    insta::assert_snapshot!(run(&["secret", "list"]).out);
}

#[test]
fn json_views_are_whole() {
    let json = |line: &[&str]| {
        let came = run(line);
        assert_eq!((came.exit, came.err.as_str()), (0, ""), "{line:?}");
        serde_json::from_str::<serde_json::Value>(&came.out).unwrap()
    };
    assert_eq!(json(&["--json", "sessions", "list"])[0]["state"], "open");
    assert_eq!(json(&["sessions", "show", "--json"])["transcript"][2]["revision"], 3);
    assert_eq!(json(&["config", "get", "access.mode", "--json"])["origin"], "flag --access-mode");
    let setting = |path: &str| json(&["config", "get", path, "--json"])["value"].clone();
    assert_eq!(setting("limits.turns"), 30);
    assert_eq!(setting("ui.cost"), true);
    assert_eq!(setting("access.mode"), "auto");
    assert_eq!(json(&["config", "show", "--json"])[1]["value"], 30);
    assert_eq!(json(&["cost", "--json"])["rows"][0]["cost_usd"], serde_json::Value::Null);
    assert_eq!(json(&["cost", "--json"])["total"]["cost_usd"], serde_json::Value::Null);
    assert_eq!(json(&["cost", "--json"])["total"]["known_cost_usd"], 1.5312);
    assert_eq!(json(&["doctor", "--json"])["checks"][0]["state"], "good");
    assert_eq!(json(&["doctor", "--full", "--json"])["checks"][0]["found"], "all whole");
    assert_eq!(json(&["audit", "verify", "--json"])["verified"], 1_204);
    assert_eq!(json(&["model", "bench", "m", "--json"])["bare_decode_per_second"], 21.6);
}
