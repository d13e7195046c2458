//! The judge step by step, and calls on a clock that stands still.

use std::time::Duration;

use super::{Circuit, CircuitError, CircuitOptions, CircuitState, Judge, Outcome};

const OPTIONS: CircuitOptions =
    CircuitOptions { failures: 2, rest: Duration::from_secs(10), trials: 2 };

/// Plays `script`, a letter a second: `g` and `b` are calls that end well and badly, `.` is a second without; `expected` says
/// which calls were let through (`y`, `n`).
#[track_caller]
fn check(script: &str, expected: &str) {
    let mut judge = Judge::new(OPTIONS);
    let mut said = String::new();
    for (second, letter) in (0..).zip(script.chars()) {
        let now = Duration::from_secs(second);
        let outcome = match letter {
            'g' => Outcome::Good,
            'b' => Outcome::Bad,
            _ => continue,
        };
        match judge.admit(now) {
            Ok(stretch) => {
                said.push('y');
                judge.learn(now, stretch, outcome);
            }
            Err(_) => said.push('n'),
        }
    }
    assert_eq!(said, expected);
}

#[test]
fn failures_in_a_row_open_it() {
    check("bgbgbg", "yyyyyy");
    check("bbggg", "yynnn");
}

#[test]
fn after_its_rest_trials_close_it_or_open_it_again() {
    check("bb.........ggbg", "yyyyyy");
    check("bb.........gbg", "yyyyn");
    check("bb.........bg.......g", "yyynn");
    check("bb.........b..........g", "yyyy");
}

#[test]
fn one_trial_is_made_at_a_time() {
    let mut judge = Judge::new(CircuitOptions { failures: 1, ..OPTIONS });
    let first = judge.admit(Duration::ZERO).unwrap();
    judge.learn(Duration::ZERO, first, Outcome::Bad);
    let late = Duration::from_secs(10);
    assert!(judge.admit(late).is_ok());
    assert_eq!(judge.admit(late), Err(Duration::ZERO));
}

#[test]
fn what_was_let_through_before_says_nothing_about_a_trial() {
    let mut judge = Judge::new(CircuitOptions { failures: 1, trials: 1, ..OPTIONS });
    let (slow, fast) = (judge.admit(Duration::ZERO).unwrap(), judge.admit(Duration::ZERO).unwrap());
    judge.learn(Duration::ZERO, fast, Outcome::Bad);
    let late = Duration::from_secs(10);
    let trial = judge.admit(late).unwrap();
    judge.learn(late, slow, Outcome::Good);
    assert_eq!(judge.admit(late), Err(Duration::ZERO));
    judge.learn(late, trial, Outcome::Good);
    assert!(judge.admit(late).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_has_failed() {
    let circuit = Circuit::new(CircuitOptions { failures: 1, ..OPTIONS });
    let hanging = circuit.call(async || {
        std::future::pending::<()>().await;
        Ok::<_, ()>(())
    });
    assert_eq!(crate::within(Duration::from_secs(1), hanging).await, None);
    assert_eq!(circuit.state(), CircuitState::Open);
    let refused = circuit.call(async || Ok::<_, ()>(())).await;
    assert_eq!(refused, Err(CircuitError::Open { again: Duration::from_secs(10) }));
    crate::sleep(Duration::from_secs(10)).await;
    assert_eq!(circuit.state(), CircuitState::Trying);
    assert_eq!(circuit.call(async || Ok::<_, ()>(7)).await, Ok(7));
}
