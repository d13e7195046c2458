//! What a plan decides, as text: what it is told on one side, what it wants on the other.

use std::time::Duration;

use super::{Closing, End, Plan, Purpose, Step};
use crate::supervision::{Backoff, Intensity, Key, Restart, Strategy};

const OFTEN: Intensity = Intensity { restarts: 2, within: Duration::from_secs(1) };

fn plan(strategy: Strategy) -> Plan {
    Plan::new(strategy, OFTEN, Closing::InReverse)
}

fn letter(key: Key) -> char {
    char::from(b'a' + u8::try_from(key.0).unwrap())
}

/// `+a` start, `-a` stop to begin anew, `!a` stop for good, `~a` rest, `xa` forget.
fn words(steps: Vec<Step>) -> String {
    let words = steps.into_iter().filter_map(|step| match step {
        Step::Start(key) => Some(format!("+{}", letter(key))),
        Step::Stop(key, Purpose::Again) => Some(format!("-{}", letter(key))),
        Step::Stop(key, Purpose::Leave) => Some(format!("!{}", letter(key))),
        Step::Rest(_, pause) if pause.is_zero() => None,
        Step::Rest(key, _) => Some(format!("~{}", letter(key))),
        Step::Forget(key) => Some(format!("x{}", letter(key))),
        Step::Ready => Some("ready".to_owned()),
        Step::GiveUp(key) => Some(format!("gives up over {}", letter(key))),
        Step::Over => Some("over".to_owned()),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `script` has a line for each input and what follows from it: `a up`, `a bad`, `a good`, `a rested`, `a go`, `close`,
/// `pause`; then `=>` and the steps.
#[track_caller]
fn check(mut plan: Plan, children: &[Restart], backoff: Backoff, script: &str) {
    for (number, restart) in (0_u64..).zip(children) {
        plan.add(Key(number), *restart, backoff);
    }
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (input, expected) = line.split_once("=>").unwrap();
        for input in input.split(',').map(str::trim).filter(|input| !input.is_empty()) {
            let (who, what) = input.split_once(' ').unwrap_or(("a", input));
            let key = Key(u64::from(who.as_bytes()[0] - b'a'));
            match what {
                "up" => plan.started(key, Duration::ZERO),
                "bad" => plan.ended(key, End::Bad, Duration::ZERO, 0.0),
                "good" => plan.ended(key, End::Good, Duration::ZERO, 0.0),
                "rested" => plan.rested(key),
                "go" => plan.remove(key),
                "close" => plan.close(Purpose::Leave),
                "pause" => plan.close(Purpose::Again),
                other => panic!("`{other}`?"),
            }
        }
        assert_eq!(words(plan.steps()), expected.trim(), "{line}");
    }
}

const THREE: [Restart; 3] = [Restart::Permanent; 3];
const UP: &str = "=> +a
     a up => +b
     b up => +c
     c up => ready\n";

#[test]
fn children_start_one_after_the_other_and_stop_in_reverse() {
    let script = "close => !c
         c good => xc !b
         b bad => xb !a
         a good => xa over";
    check(plan(Strategy::OneForOne), &THREE, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn one_for_one_goes_on_beside_others() {
    let script = "a bad, b bad => +a +b
         b up => 
         a up => ";
    check(plan(Strategy::OneForOne), &THREE, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn one_for_all_sweeps_before_it_starts() {
    let script = "b bad => -c
         c good => -a
         a good => +a
         a up => +b
         b up => +c
         c up => ";
    check(plan(Strategy::OneForAll), &THREE, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn rest_for_one_leaves_those_before_alone() {
    let script = "b bad => -c
         c good => +b
         b up => +c
         a bad => -c
         c good => -b
         b good => +a";
    check(plan(Strategy::RestForOne), &THREE, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn a_crash_during_a_sweep_is_one_stop_less_and_counts_for_nothing() {
    let script = "b bad => -c
         a bad => 
         c bad => +a";
    check(plan(Strategy::OneForAll), &THREE, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn a_group_waits_for_the_one_that_rests() {
    let backoff = Backoff { first: Duration::from_secs(1), ..Backoff::default() };
    let script = "b bad => ~b -c
         c good =>
         b rested => +b
         b up => +c";
    check(plan(Strategy::RestForOne), &THREE, backoff, &(UP.to_owned() + script));
}

#[test]
fn one_restart_too_many_closes_all_and_keeps_the_mailboxes() {
    let script = "a bad => +a
         a up, b bad => +b
         b up, c bad => gives up over c -b
         b good => -a
         a good => over";
    check(plan(Strategy::OneForOne), &THREE, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn temporary_children_do_not_come_back_with_their_siblings() {
    let children = [Restart::Permanent, Restart::Temporary, Restart::Transient];
    let script = "a bad => -c
         c good => !b
         b good => xb +a
         a up => +c
         c up, c good => xc
         a bad => +a";
    check(plan(Strategy::OneForAll), &children, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn a_child_that_has_to_go_is_stopped_and_forgotten() {
    let script = "b go => !b
         b good => xb
         b go =>
         close => !c";
    check(plan(Strategy::OneForOne), &THREE, Backoff::NONE, &(UP.to_owned() + script));
}

#[test]
fn closing_meets_children_that_start_and_rest() {
    let backoff = Backoff { first: Duration::from_secs(1), ..Backoff::default() };
    check(
        plan(Strategy::OneForOne),
        &THREE,
        backoff,
        "=> +a
         a bad => ~a +b
         pause => -b
         b up =>
         a rested =>
         b good => over
         close =>",
    );
}

#[test]
fn those_that_end_together_are_stopped_at_once() {
    let plan = Plan::new(Strategy::OneForOne, OFTEN, Closing::Together);
    let script = "close => !a !b !c
         b good, a good => xb xa
         c good => xc over";
    check(plan, &THREE, Backoff::NONE, &(UP.to_owned() + script));
}
