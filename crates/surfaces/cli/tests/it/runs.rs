//! Runs: what goes where, what is asked, how they end.

use std::io::ErrorKind;

use bottega_api::{ApiError, Ending, NoticeView, RunEvent, codes};
use bottega_cli::ColorChoice;
use bottega_policy::{AccessMode, Approval, ApprovalRequest, Need, Question, Reply};

use crate::views::world as views;
use crate::world::{Came, Step, World, ended, session, totals};

/// A run that edits a file, runs the tests and answers; its text wants to steer the terminal.
fn story() -> Vec<RunEvent> {
    let call = |call: &str, tool: &str, arguments: &str| RunEvent::ToolCall {
        call: call.into(),
        tool: tool.into(),
        arguments: arguments.into(),
    };
    let text = |delta: &str| RunEvent::Text { delta: delta.into() };
    vec![
        RunEvent::Session {
            session: session(1).to_string(),
            model: "local/qwen2.5-coder-1.5b".into(),
            access_mode: AccessMode::Auto,
            workspace: "/code/demo".into(),
            resumed: false,
        },
        RunEvent::Turn { number: 1 },
        RunEvent::Prompt { done: 512, total: 1_480 },
        RunEvent::Reasoning { delta: "a sum that starts at one".into() },
        text("I will look \u{1b}["),
        text("31mat the sum.\n"),
        RunEvent::Message { text: "I will look \u{1b}[31mat the sum.\n".into() },
        RunEvent::Totals { totals: totals() },
        call("1", "edit_file", r#"{"path":"src/lib.rs","old":"let mut sum = 1;","new":"let mut sum = 0;"}"#),
        RunEvent::ToolResult {
            call: "1".into(),
            tool: "edit_file".into(),
            outcome: "succeeded".into(),
            summary: "src/lib.rs +1 -1".into(),
            text: "Edited src/lib.rs.\n@@ -3,3 +3,3 @@\n fn total() {\n-    let mut sum = 1;\n+    let mut sum = 0;\n".into(),
            changed: vec!["src/lib.rs".into()],
            exit_code: None,
            elapsed_ms: 12,
        },
        RunEvent::Retry { model: "local/other".into(), attempt: 2, why: Some("the stream was cut".into()) },
        RunEvent::Turn { number: 2 },
        RunEvent::Message { text: String::new() },
        call("2", "shell", r#"{"command":"cargo test"}"#),
        RunEvent::ToolOutput { call: "2".into(), text: "running 1 test\n10%\r".into() },
        RunEvent::ToolOutput { call: "2".into(), text: "done\ntest result: FAI".into() },
        RunEvent::ToolResult {
            call: "2".into(),
            tool: "shell".into(),
            outcome: "command_failed".into(),
            summary: "exit status 101".into(),
            text: "running 1 test\ndone\ntest result: FAILED".into(),
            changed: Vec::new(),
            exit_code: Some(101),
            elapsed_ms: 2_140,
        },
        RunEvent::Nudge { text: "the tests still fail".into() },
        RunEvent::Compacted { kept: 4 },
        RunEvent::Turn { number: 3 },
        text("The sum began at one"),
        text("; now it begins at zero."),
        RunEvent::Message { text: "The sum began at one; now it begins at zero.".into() },
        RunEvent::Totals { totals: totals() },
        ended(Ending::Done, None, "The sum began at one; now it begins at zero."),
    ]
}

fn telling(events: Vec<RunEvent>) -> World {
    World { steps: events.into_iter().map(Step::Tell).collect(), ..World::default() }
}

fn ending(ending: Ending, why: &str) -> Came {
    telling(vec![ended(ending, Some(why), "")]).run(&["run", "mend it"])
}

#[test]
fn a_script_gets_the_answer_and_the_rest_beside_it() {
    insta::assert_snapshot!(telling(story()).run(&["run", "mend it"]).page());
}

#[test]
fn a_person_sees_it_happen() {
    insta::assert_snapshot!(telling(story()).on_terminals().run(&["run", "mend it"]).page());
}

#[test]
fn an_answer_that_was_seen_is_not_repeated() {
    for (streamed, answer, out) in
        [("\u{1b}[31mok", "\u{1b}[31mok\n", ""), ("I think", "ok", "ok\n"), ("", "ok", "ok\n")]
    {
        let text = |delta: &str| RunEvent::Text { delta: delta.into() };
        let story = vec![text(streamed), ended(Ending::Done, None, answer)];
        assert_eq!(telling(story).on_terminals().run(&["run", "mend it"]).out, out, "{streamed:?}");
    }
}

#[test]
fn a_person_sees_what_is_being_done() {
    let waiting = || {
        let begun = [RunEvent::Turn { number: 1 }, RunEvent::Prompt { done: 512, total: 1_480 }];
        let mut steps: Vec<Step> = begun.into_iter().map(Step::Tell).collect();
        steps.push(Step::Wait(std::time::Duration::from_millis(1_150)));
        steps.push(Step::Tell(ended(Ending::Done, None, "ok")));
        World { steps, color: ColorChoice::Never, ..World::default() }
    };
    let err = waiting().on_terminals().run(&["run", "mend it"]).err;
    assert!(err.contains("\r\u{1b}[2K⠙ reading the prompt: 512 of 1,480 tokens\r"), "{err:?}");
    assert!(
        err.contains("tokens · 1.0 s\r\u{1b}[2K"),
        "the line goes before the next one comes: {err:?}"
    );
    assert!(!waiting().run(&["run", "mend it"]).err.contains("reading the prompt"));
}

#[test]
fn a_person_who_redirects_the_answer_sees_it_dimmed() {
    let world = World { terminals: (true, false, true), ..telling(story()) };
    let came = world.run(&["run", "mend it"]);
    assert_eq!(came.out, "The sum began at one; now it begins at zero.\n");
    assert!(came.err.contains("\u{1b}[2mThe sum began at one\u{1b}[0m"), "{}", came.err);
}

#[test]
fn reasoning_is_shown_where_it_is_wanted() {
    let mut world = telling(story());
    world.show.reasoning = true;
    assert!(world.run(&["run", "mend it"]).err.contains("\na sum that starts at one\n"));
}

#[test]
fn without_a_terminal_no_escape_code_is_written() {
    let came = telling(story()).run(&["run", "mend it"]);
    assert!(!came.err.contains(['\u{1b}', '\r']) && !came.out.contains('\u{1b}'));
    let forced = World { color: ColorChoice::Always, ..telling(story()) };
    assert!(forced.run(&["run", "mend it"]).err.contains("\u{1b}[32m"));
    let refused = World { color: ColorChoice::Always, ..telling(story()) };
    assert!(!refused.run(&["--color", "never", "run", "mend it"]).err.contains('\u{1b}'));
}

#[test]
fn quiet_leaves_the_answer() {
    let came = telling(story()).run(&["run", "-q", "mend it"]);
    assert_eq!(
        came.page(),
        "exit 0\n--- out\nThe sum began at one; now it begins at zero.\n--- err\n"
    );
}

#[test]
fn json_is_the_events_and_nothing_else() {
    let came = telling(story()).on_terminals().run(&["run", "--json", "mend it"]);
    assert_eq!((came.exit, came.err.as_str()), (0, ""));
    let schema = serde_json::from_str(&bottega_cli::run_events_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines: Vec<serde_json::Value> =
        came.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), story().len());
    for line in &lines {
        assert!(validator.is_valid(line), "{line}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "type": "turn" })));
    assert!(!validator.is_valid(&serde_json::json!({ "type": "dance" })));
}

#[test]
fn endings_have_their_exit_codes() {
    for (how, exit, code) in [
        (Ending::Failed, 1, codes::STUCK),
        (Ending::Limit, 3, codes::LIMIT),
        (Ending::Refused, 4, codes::REFUSED),
        (Ending::Provider, 5, codes::PROVIDER),
        (Ending::Interrupted, 130, codes::INTERRUPTED),
    ] {
        let came = ending(how, "so it was");
        assert_eq!((came.exit, came.out.as_str()), (exit, ""), "{how:?}");
        assert!(came.err.contains(&format!("error[{}]: so it was\n", code.name)), "{}", came.err);
        assert_eq!(how.exit(), code.exit);
    }
    insta::assert_snapshot!(ending(Ending::Limit, "the limit of 30 turns was reached").page());
}

#[test]
fn an_ending_that_knows_better_says_what_helps() {
    let mut gone = ended(Ending::Provider, Some("connection failed"), "");
    if let RunEvent::Ended { next_step, .. } = &mut gone {
        *next_step = Some("check the address, then `bottega resume`".into());
    }
    let came = telling(vec![gone]).run(&["run", "mend it"]);
    let next = format!("next: check the address, then `bottega resume {}`\n", session(1));
    assert!(came.err.contains("error[BTG0009]: connection failed\n"), "{}", came.err);
    assert!(came.err.contains(&next) && !came.err.contains("try again later"), "{}", came.err);
}

#[test]
fn a_run_that_can_not_begin_says_why() {
    let refused = || World {
        refusal: Some(ApiError::new(codes::NO_MODEL, "no API key, no Ollama, no model on disk")),
        ..World::default()
    };
    insta::assert_snapshot!(refused().run(&["run", "mend it"]).page(), @"
    exit 2
    --- out
    --- err
    error[BTG0003]: no API key, no Ollama, no model on disk
      next: run `bottega model pull`, or set a provider's API key
    ");
    insta::assert_snapshot!(refused().run(&["run", "--json", "mend it"]).err, @r#"{"error":{"code":"BTG0003","message":"no API key, no Ollama, no model on disk","next_step":"run `bottega model pull`, or set a provider's API key","exit":2}}"#);
}

#[test]
fn a_person_without_a_model_is_offered_one() {
    let without = |typed: &str| World {
        no_model: true,
        color: ColorChoice::Never,
        typed: [typed.to_owned()].into(),
        ..telling(vec![ended(Ending::Done, None, "ok")])
    };
    let came = without("y").on_terminals().run(&["run", "mend it"]);
    assert_eq!((came.exit, came.out.as_str()), (0, "ok\n"));
    assert_eq!(came.left.calls, ["pull qwen2.5-coder-1.5b"]);
    assert!(came.err.contains("fetching (resumed at 381.5 MiB) ━"), "{:?}", came.err);
    for (world, line) in [
        (without("").on_terminals(), ["run", "mend it"].as_slice()),
        (without("y"), &["run", "mend it"]),
        (without("y").on_terminals(), &["run", "-q", "mend it"]),
        (without("y").on_terminals(), &["run", "-m", "local/none", "mend it"]),
    ] {
        let came = world.run(line);
        assert_eq!((came.exit, came.left.calls.len()), (2, 0), "{line:?}");
        assert!(came.err.contains("error[BTG0003]: there is no model to ask\n"), "{}", came.err);
    }
}

#[test]
fn a_stream_that_breaks_off_is_a_fault() {
    let came = telling(vec![RunEvent::Turn { number: 1 }]).run(&["run", "mend it"]);
    assert_eq!(came.exit, 1);
    assert!(came.err.contains("error[BTG0016]: the run ended without saying how"), "{}", came.err);
}

#[test]
fn an_open_standard_input_never_holds_up_a_task() {
    let came = telling(vec![ended(Ending::Done, None, "ok")]).run(&["run", "mend", "it"]);
    assert_eq!((came.exit, came.left.requests[0].task.as_str()), (0, "mend it"));
}

#[test]
fn a_task_comes_through_standard_input() {
    for line in [["run"].as_slice(), &["run", "-"]] {
        let piped = World {
            stdin: Some(b"mend it\n".to_vec()),
            ..telling(vec![ended(Ending::Done, None, "ok")])
        };
        assert_eq!(piped.run(line).left.requests[0].task, "mend it\n", "{line:?}");
    }
    for (stdin, terminal) in
        [(Some(Vec::new()), false), (Some(b" \n".to_vec()), false), (None, true)]
    {
        let world = World { stdin, terminals: (terminal, false, false), ..World::default() };
        let came = world.run(&["run"]);
        assert_eq!(came.exit, 2);
        assert!(came.err.starts_with("error[BTG0001]: no task was given\n"), "{}", came.err);
    }
}

#[test]
fn flags_and_files_reach_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let (notes, image) = (file("notes.md", b"# Notes"), file("screen.png", b"\x89PNG\r\n\x1a\n."));
    let schema = file("schema.json", br#"{"type":"object"}"#);
    let world =
        World { stdin: Some(b"diff".to_vec()), ..telling(vec![ended(Ending::Done, None, "{}")]) };
    let line = [
        "run",
        "-m",
        "local/small",
        "-a",
        "read-only",
        "--max-turns",
        "5",
        "--max-tokens",
        "9000",
        "--max-cost",
        "$0.25",
        "--max-time",
        "10m",
        "--seed",
        "7",
        "--output-schema",
        &schema,
        "-f",
        &notes,
        "-f",
        "-",
        "--image",
        &image,
        "look",
    ];
    let request = &world.run(&line).left.requests[0];
    let attached: Vec<(&str, usize)> =
        request.attachments.iter().map(|a| (a.media_type.as_str(), a.bytes.len())).collect();
    assert_eq!(attached, [("text/markdown", 7), ("text/plain", 4), ("image/png", 9)]);
    assert_eq!(request.model.as_deref(), Some("local/small"));
    assert_eq!(request.access_mode, Some(AccessMode::ReadOnly));
    assert_eq!((request.max_turns, request.max_tokens), (Some(5), Some(9_000)));
    assert_eq!((request.max_cost.as_deref(), request.max_seconds), (Some("0.25"), Some(600)));
    assert_eq!((request.seed, request.session), (Some(7), None));
    assert_eq!(request.output_schema, Some(serde_json::json!({ "type": "object" })));
    for (flag, path) in
        [("--file", "/nowhere/x"), ("--image", notes.as_str()), ("--output-schema", &notes)]
    {
        let came = World::default().run(&["run", flag, path, "look"]);
        assert_eq!(
            (came.exit, came.err.starts_with("error[BTG0015]")),
            (2, true),
            "{flag}: {}",
            came.err
        );
    }
}

fn request() -> ApprovalRequest {
    ApprovalRequest {
        tool: "shell".into(),
        summary: "run `rm -r build`".into(),
        details: "rm -r build".into(),
        needs: vec![Need::Execute {
            command: "rm -r build".into(),
            parts: vec!["rm -r build".into()],
            caged: true,
        }],
        why: "commands are asked for in access mode `ask`".into(),
        hidden: false,
    }
}

fn asking(typed: &[&str]) -> World {
    World {
        steps: vec![Step::Ask(request()), Step::Tell(ended(Ending::Done, None, "ok"))],
        typed: typed.iter().map(|text| (*text).to_owned()).collect(),
        ..World::default()
    }
}

#[test]
fn a_person_is_asked_until_the_answer_is_clear() {
    for (typed, expected) in [
        (["y"].as_slice(), Approval::Once),
        (&["a"], Approval::Session),
        (&["p"], Approval::Project),
        (&["sure", "", "no, keep it"], Approval::Denied { reason: "keep it".into() }),
    ] {
        let world = World { color: ColorChoice::Never, ..asking(typed).on_terminals() };
        assert_eq!(world.run(&["run", "clean up"]).left.answers, [expected], "{typed:?}");
    }
    let world = World { color: ColorChoice::Never, ..asking(&["sure", "n"]).on_terminals() };
    insta::assert_snapshot!(world.run(&["run", "clean up"]).page());
}

#[test]
fn the_agents_own_question_is_answered_by_number_or_in_words() {
    let question = Question {
        text: "Which database?".into(),
        choices: vec!["SQLite".into(), "PostgreSQL".into()],
    };
    let world = |typed: &[&str]| World {
        steps: vec![Step::Question(question.clone()), Step::Tell(ended(Ending::Done, None, "ok"))],
        color: ColorChoice::Never,
        ..asking(typed).on_terminals()
    };
    let said = |words: &str| Reply::Said { words: words.into() };
    let replies = |typed: &[&str]| world(typed).run(&["run", "clean up"]).left.replies;
    assert_eq!(replies(&["2"]), [said("PostgreSQL")]);
    assert_eq!(replies(&["3", "neither"]), [said("neither")]);
    assert_eq!(replies(&[""]), [Reply::Declined]);
    insta::assert_snapshot!(world(&["7", "1"]).run(&["run", "clean up"]).page());
    let mute = World { terminals: (false, false, false), ..world(&["1"]) };
    assert_eq!(mute.run(&["run", "clean up"]).left.replies, [Reply::Unavailable]);
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    for terminals in [(false, false, false), (true, true, false), (false, true, true)] {
        let world = World { terminals, ..asking(&["y"]) };
        let came = world.run(&["run", "clean up"]);
        assert_eq!(came.left.answers, [Approval::Unavailable], "{terminals:?}");
        assert!(!came.err.contains("[y]es"), "{}", came.err);
    }
    let came = asking(&["y"]).on_terminals().run(&["run", "--json", "clean up"]);
    assert_eq!(came.left.answers, [Approval::Unavailable]);
}

#[test]
fn ctrl_c_stops_the_work_and_nothing_is_lost() {
    let world = World { steps: vec![Step::CtrlC, Step::UntilStopped], ..World::default() };
    let came = world.run(&["run", "mend it"]);
    assert_eq!(came.exit, 130);
    let next = format!("next: run `bottega resume {}` to go on", session(1));
    assert!(came.err.contains("press Ctrl-C again") && came.err.contains(&next), "{}", came.err);
}

#[test]
fn ctrl_c_twice_leaves_at_once() {
    let world = World { steps: vec![Step::CtrlC, Step::CtrlC, Step::Silence], ..World::default() };
    let came = world.run(&["run", "mend it"]);
    assert_eq!(came.exit, 130);
    assert!(came.err.contains("error[BTG0017]: left before the work ended"), "{}", came.err);
}

#[test]
fn a_signal_that_is_no_key_names_none() {
    let world = World { steps: vec![Step::Terminate, Step::UntilStopped], ..World::default() };
    let came = world.run(&["run", "mend it"]);
    assert_eq!(came.exit, 130);
    let told = "asked to end (SIGTERM): stopping; a second signal ends at once\n";
    assert!(came.err.contains(told) && !came.err.contains("Ctrl-C"), "{}", came.err);
}

fn declined() -> RunEvent {
    RunEvent::ToolResult {
        call: "1".into(),
        tool: "shell".into(),
        outcome: "denied".into(),
        summary: "rm -r build".into(),
        text: "The user said no to this call.".into(),
        changed: Vec::new(),
        exit_code: None,
        elapsed_ms: 0,
    }
}

#[test]
fn ctrl_c_at_a_question_is_a_no_of_the_person() {
    let before = vec![Step::CtrlC, Step::Ask(request()), Step::UntilStopped];
    let during = vec![Step::AskAndCtrlC(request()), Step::Tell(declined()), Step::UntilStopped];
    for steps in [before, during] {
        let came = World { steps, ..World::default() }.on_terminals().run(&["run", "clean up"]);
        assert_eq!((came.exit, came.left.answers), (130, vec![Approval::Stopped]));
    }
}

#[test]
fn a_reader_that_leaves_is_told_nothing() {
    let left = |room, world: World| World { full: Some((ErrorKind::BrokenPipe, room)), ..world };
    for line in [
        ["--help"].as_slice(),
        &["audit", "export"],
        &["sessions", "export"],
        &["cost"],
        &["man"],
        &["completions", "bash"],
        &["config", "show", "--json"],
    ] {
        let came = left(0, views()).run(line);
        assert_eq!((came.exit, came.err.as_str()), (0, ""), "{line:?}");
    }
    // The work of a run is over, and its code is told.
    let came = left(0, telling(vec![ended(Ending::Limit, Some("30 turns"), "so far")]))
        .run(&["run", "-q", "x"]);
    assert_eq!((came.exit, came.err.contains("BTG0018")), (3, false), "{}", came.err);
    // Nobody reads what the work does any more: it is stopped.
    let mut steps: Vec<Step> = story().into_iter().take(3).map(Step::Tell).collect();
    steps.push(Step::UntilStopped);
    let came = left(200, World { steps, ..World::default() }).run(&["run", "--json", "x"]);
    assert_eq!((came.exit, came.err.as_str()), (130, ""));
}

#[test]
fn output_that_can_not_be_written_is_an_error() {
    let full = |world: World| World { full: Some((ErrorKind::StorageFull, 0)), ..world };
    for line in [
        ["--help"].as_slice(),
        &["--version"],
        &["audit", "export"],
        &["sessions", "export"],
        &["cost"],
        &["man"],
        &["completions", "bash"],
    ] {
        let came = full(views()).run(line);
        assert_eq!(came.exit, 1, "{line:?}");
        assert!(
            came.err.starts_with("error[BTG0018]: standard output can't be written: "),
            "{line:?}: {}",
            came.err
        );
    }
    let came = full(telling(story())).run(&["run", "-q", "mend it"]);
    assert_eq!(came.exit, 1);
    let next = format!("next: run `bottega sessions show {}` to read the answer", session(1));
    assert!(came.err.contains(&next), "{}", came.err);
    let steps = vec![Step::Tell(RunEvent::Turn { number: 1 }), Step::UntilStopped];
    let came = full(World { steps, ..World::default() }).run(&["run", "--json", "mend it"]);
    assert_eq!(came.exit, 1);
    assert!(came.err.contains("\"next_step\":\"the work was stopped;"), "{}", came.err);
}

#[test]
fn what_there_is_to_know_of_the_settings_is_told_once() {
    let notice = NoticeView {
        message: "the settings in /code/demo/.bottega are ignored".into(),
        next_step: "read them, then run `bottega config trust`".into(),
    };
    let world = || World {
        notices: vec![notice.clone()],
        ..telling(vec![ended(Ending::Done, None, "ok")])
    };
    let told = "note: the settings in /code/demo/.bottega are ignored\n  next: read them, then run \
                `bottega config trust`\n";
    let came = world().run(&["run", "x"]);
    assert_eq!((came.out.as_str(), came.err.matches(told).count()), ("ok\n", 1), "{}", came.err);
    assert!(!world().run(&["run", "-q", "x"]).err.contains("note"));
    let json = world().run(&["run", "--json", "x"]).err;
    assert!(json.starts_with("{\"notice\":{\"message\":\"the settings in"), "{json}");
    assert!(!world().run(&["cost"]).err.contains("note"));
}

#[test]
fn a_folder_that_is_none_is_named() {
    let came = World::default().run(&["-C", "/nowhere/at/all", "run", "x"]);
    assert_eq!((came.exit, came.left.requests.len()), (2, 0));
    assert!(
        came.err.starts_with("error[BTG0015]: `/nowhere/at/all` is no folder\n"),
        "{}",
        came.err
    );
}

#[test]
fn what_a_verdict_says_is_not_said_again() {
    let why = "Stopped before it ended; it may have done part of its work.";
    let result = RunEvent::ToolResult {
        call: "1".into(),
        tool: "shell".into(),
        outcome: "interrupted".into(),
        summary: why.into(),
        text: why.into(),
        changed: Vec::new(),
        exit_code: None,
        elapsed_ms: 0,
    };
    let came = telling(vec![result, ended(Ending::Done, None, "ok")]).run(&["run", "x"]);
    assert_eq!(came.err.matches(why).count(), 1, "{}", came.err);
}
