//! Chats and resumed work.

use bottega_api::Ending;
use bottega_cli::{ColorChoice, Typed};

use crate::views::sample;
use crate::world::{Step, World, ended, session};

fn chat(messages: &[&str]) -> World {
    World {
        steps: vec![Step::Tell(ended(Ending::Done, None, "Done so."))],
        sessions: vec![sample(1)],
        messages: messages.iter().map(|text| Typed::Text((*text).to_owned())).collect(),
        color: ColorChoice::Never,
        ..World::default()
    }
    .on_terminals()
}

/// Nothing but text goes to a dumb terminal, whatever is done there.
#[test]
fn a_dumb_terminal_is_sent_no_escapes() {
    let lines: [&[&str]; 5] = [
        &["chat"],
        &["run", "mend it"],
        &["audit", "verify"],
        &["model", "pull"],
        &["sessions", "list"],
    ];
    for line in lines {
        let world = World { color: ColorChoice::Auto, ..chat(&["mend it", "/cost"]) };
        let came = World { dumb: true, ..world }.run(line);
        let (seen, drawn) = (format!("{}{}", came.out, came.err), ['\u{1b}', '\r']);
        assert!(!seen.is_empty() && !seen.contains(drawn), "{line:?}: {seen:?}");
    }
    let drawn = World { color: ColorChoice::Auto, ..chat(&["mend it"]) }.run(&["chat"]);
    assert!(drawn.err.contains('\u{1b}'), "{}", drawn.err);
}

#[test]
fn a_chat_goes_on_in_one_session() {
    let came = chat(&[
        "/undo",
        "mend it",
        "/model local/small",
        "/mode full",
        "and now the docs",
        "/undo 2",
        "/cost",
        "/compact",
        "/modle",
        "/quit",
        "never read",
    ])
    .run(&["chat"]);
    let requests = &came.left.requests;
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].session, requests[1].session), (None, Some(session(1))));
    assert_eq!(requests[1].model.as_deref(), Some("local/small"));
    let calls = [format!("undo {} Some(2)", session(1)), format!("compact {}", session(1))];
    assert_eq!(came.left.calls, calls);
    insta::assert_snapshot!(came.page());
}

#[test]
fn a_model_that_is_none_is_refused_at_once() {
    let came = chat(&["/model nonsense", "mend it"]).run(&["chat"]);
    assert!(came.err.contains("error[BTG0003]: `nonsense` is no model\n"), "{}", came.err);
    assert_eq!(came.left.requests[0].model, None, "the next task asks the model as before");
}

#[test]
fn ctrl_c_twice_at_the_prompt_ends() {
    let mut world = chat(&[]);
    world.messages = [Typed::Interrupt, Typed::Interrupt, Typed::Text("never read".into())].into();
    let came = world.run(&["chat"]);
    assert_eq!((came.exit, came.left.requests.len()), (0, 0));
    assert!(came.err.contains("press Ctrl-C again"), "{}", came.err);
}

#[test]
fn ctrl_c_twice_at_work_ends_the_chat_too() {
    let mut world = chat(&["mend it", "never read"]);
    world.steps = vec![Step::CtrlC, Step::CtrlC, Step::Silence];
    let came = world.run(&["chat"]);
    assert_eq!((came.exit, came.left.requests.len()), (130, 1));
}

#[test]
fn a_chat_needs_a_terminal() {
    let world = World { terminals: (true, false, true), ..chat(&["mend it"]) };
    let came = world.run(&["chat"]);
    assert_eq!((came.exit, came.left.requests.len()), (2, 0));
}

#[test]
fn resume_goes_on_with_what_was_open() {
    let came = chat(&[]).run(&["resume"]);
    assert_eq!((came.exit, came.out.as_str()), (0, "Done so.\n"));
    assert_eq!(came.left.resumed[0].session, Some(session(1)));
}

#[test]
fn resume_goes_on_with_what_was_stopped() {
    let mut world = chat(&[]);
    world.sessions[0].summary.state = bottega_api::SessionState::Failed;
    world.sessions[0].summary.ending = Some(Ending::Interrupted);
    let came = world.run(&["resume"]);
    assert_eq!(came.left.requests[0].task, "Go on with the task where you stopped.");
    assert_eq!(came.left.requests[0].session, Some(session(1)));
}

#[test]
fn resume_takes_a_new_task() {
    let came = chat(&[]).run(&["resume", "last", "--task", "the docs too"]);
    assert_eq!(came.left.requests[0].task, "the docs too");
    assert_eq!(came.left.requests[0].session, Some(session(1)));
}

#[test]
fn resume_of_finished_work_asks_for_a_task() {
    let mut world = chat(&[]);
    world.sessions[0].summary.state = bottega_api::SessionState::Done;
    let came = world.run(&["resume"]);
    assert_eq!(came.exit, 1);
    assert!(came.err.contains("has no work to go on with"), "{}", came.err);
    assert_eq!(chat(&[]).run(&["resume", "zzz"]).exit, 2);
}
