//! Undo plans, told as `call: path before>after` lines, with ` in folder` where that was made for it.

use bottega_event::{Approved, Revision, ToolOutcome, ToolReport, Undone};
use bottega_policy::Verdict;
use bottega_tool::FileChange;
use bottega_types::Timestamp;

use super::*;

fn bytes(text: &str) -> Option<Vec<u8>> {
    (text != "-").then(|| text.as_bytes().to_vec())
}

fn event(line: &str) -> SessionEvent {
    let (call, rest) = line.split_once(": ").unwrap();
    let call = CallId::from_bits(call.parse().unwrap());
    if rest == "undone" {
        return SessionEvent::Undone(Undone { calls: vec![call], paths: vec![] });
    }
    let unkept = rest.strip_prefix("unkept ").map(str::to_owned);
    let changes = rest
        .split("; ")
        .filter(|_| unkept.is_none())
        .map(|change| {
            let (path, versions) = change.split_once(' ').unwrap();
            let (versions, folder) = versions.split_once(" in ").unwrap_or((versions, ""));
            let (before, after) = versions.split_once('>').unwrap();
            let mut change = FileChange::new(path.into(), bytes(before), bytes(after), 0o644);
            change.new_folders = folder.split_whitespace().map(str::to_owned).collect();
            change
        })
        .collect();
    SessionEvent::ToolFinished(ToolReport {
        call,
        outcome: ToolOutcome::Succeeded,
        summary: String::new(),
        text: String::new(),
        full: None,
        changes,
        unkept,
        exit_code: None,
        origins: Vec::new(),
        approved: Approved { verdict: Verdict::Allow, approval: None },
        elapsed_ms: 0,
    })
}

#[track_caller]
fn check(history: &str, steps: Option<usize>, expected: &[(&str, &str, &str)]) {
    let history: Vec<Happened> = history
        .lines()
        .map(|line| Happened {
            revision: Revision(0),
            at: Timestamp::from_millis(0),
            event: event(line.trim()),
        })
        .collect();
    let plan = plan_undo(&history, steps);
    let digest = |text: &str| bytes(text).map(|bytes| Digest::of(&bytes));
    let actual: Vec<_> = plan.iter().map(|r| (r.path.as_str(), r.now, r.before)).collect();
    let expected: Vec<_> =
        expected.iter().map(|(path, now, before)| (*path, digest(now), digest(before))).collect();
    assert_eq!(actual, expected);
}

#[test]
fn several_changes_of_a_file_go_back_to_the_first() {
    check("1: a x>y\n2: a y>z", None, &[("a", "z", "x")]);
    check("1: a x>y\n2: a y>z", Some(1), &[("a", "z", "y")]);
}

#[test]
fn a_created_file_goes_away_and_a_deleted_one_comes_back() {
    check("1: a ->y; b x>-", None, &[("a", "y", "-"), ("b", "-", "x")]);
}

#[test]
fn what_was_undone_is_not_undone_again() {
    check("1: a x>y\n2: b p>q\n2: undone", None, &[("a", "y", "x")]);
}

#[test]
fn what_somebody_else_made_between_two_calls_stays() {
    check("1: a x>y\n2: a y+theirs>z", None, &[("a", "z", "y+theirs")]);
    check("1: a x>y\n2: a theirs>-", None, &[("a", "-", "theirs")]);
    check("1: a ->y\n2: a theirs>z; b ->p", None, &[("a", "z", "theirs"), ("b", "p", "-")]);
}

#[test]
fn a_folder_that_was_made_for_a_file_does_not_come_back() {
    let made = "1: d/e/f ->x in d d/e";
    let gone = [("d/", "-", "-"), ("d/e/", "-", "-"), ("d/e/f", "-", "-")];
    check(&format!("{made}\n2: d/ >-; d/e/ >-; d/e/f x>-"), None, &gone);
    // It stood before the call that is taken back.
    let back = [("d/", "-", ""), ("d/e/", "-", ""), ("d/e/f", "-", "x")];
    check(&format!("{made}\n2: d/ >-; d/e/ >-; d/e/f x>-"), Some(1), &back);
    // It stood before anything was made in it anew.
    let first = "1: d/ >-\n2: d/f ->x in d";
    check(first, None, &[("d/", "", ""), ("d/f", "x", "-")]);
}

#[test]
fn what_was_never_kept_is_told_with_the_calls_beside_it() {
    let history: Vec<Happened> =
        ["1: a ->1", "2: unkept early", "3: a 1>2", "4: unkept late", "1: undone"]
            .map(|line| Happened {
                revision: Revision(0),
                at: Timestamp::from_millis(0),
                event: event(line),
            })
            .into();
    assert_eq!(unkept(&history, None), ["early", "late"]);
    assert_eq!(unkept(&history, Some(1)), ["late"]);
    assert_eq!(unkept(&history[..2], Some(1)), ["early"]);
    assert_eq!(unkept(&history[..2], Some(0)), Vec::<String>::new());
    assert_eq!(unkept(&history[1..2], None), ["early"]);
}
