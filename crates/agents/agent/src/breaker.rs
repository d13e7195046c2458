//! Notices when an agent goes in circles.

use std::collections::VecDeque;

use bottega_event::{ToolOutcome, ToolReport};
use bottega_llm::ToolCall;
use bottega_types::Digest;

/// How far back a repetition is noticed.
const MEMORY: usize = 256;
/// So many calls in a row that achieved nothing: the end.
const FRUITLESS: u32 = 12;
/// So many refusals in a row: the end.
const REFUSALS: u32 = 4;

/// What the breaker says about the calls so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Nothing unusual.
    Calm,
    /// The agent should be told.
    Warn(String),
    /// The work should end.
    Stop(String),
    /// The work should end since what it needs is refused.
    Refused(String),
}

/// Remembers the latest calls and what they gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    recent: VecDeque<(Digest, String)>,
    fruitless: u32,
    refusals: u32,
}

impl Breaker {
    /// Takes note of a call that ended.
    pub(crate) fn note(&mut self, request: &ToolCall, report: &ToolReport) {
        let same = Digest::of_parts(&[
            request.name.as_bytes(),
            canonical(&request.arguments).as_bytes(),
            report.text.as_bytes(),
        ]);
        if self.recent.len() == MEMORY {
            self.recent.pop_front();
        }
        self.recent.push_back((same, request.name.clone()));
        match report.outcome {
            ToolOutcome::Succeeded | ToolOutcome::CommandFailed => {
                self.fruitless = 0;
                self.refusals = 0;
            }
            ToolOutcome::Denied => {
                self.fruitless += 1;
                self.refusals += 1;
            }
            ToolOutcome::Failed | ToolOutcome::Interrupted => {
                self.fruitless += 1;
                self.refusals = 0;
            }
        }
        // A change makes old results new: reading a file again after an edit is no circle.
        if !report.changes.is_empty() {
            self.recent.retain(|(call, _)| *call == same);
        }
    }

    /// How often the latest call was made before with the same result, and how often calls failed in a row.
    pub(crate) fn circles(&self) -> u32 {
        let again = self.recent.back().map_or(0, |(last, _)| {
            self.recent.iter().filter(|(call, _)| call == last).count().saturating_sub(1)
        });
        u32::try_from(again).unwrap_or(u32::MAX).max(self.fruitless.saturating_sub(1))
    }

    /// What to do about it.
    /// `repeats` is how often the same call may give the same result; half-way there is a word of warning.
    pub(crate) fn alarm(&self, repeats: usize) -> Alarm {
        if self.refusals >= REFUSALS {
            return Alarm::Refused(format!("{} calls in a row were refused", self.refusals));
        }
        if self.fruitless >= FRUITLESS {
            return Alarm::Stop(format!("{} tool calls in a row achieved nothing", self.fruitless));
        }
        let Some((last, tool)) = self.recent.back() else { return Alarm::Calm };
        match self.recent.iter().filter(|(call, _)| call == last).count() {
            n if n >= repeats => {
                Alarm::Stop(format!("the same call of `{tool}` gave the same result {n} times"))
            }
            n if n > repeats / 2 => Alarm::Warn(format!(
                "You called `{tool}` {n} times with the same arguments and got the same result. \
                 Doing it again changes nothing. Take the next step, or try another way."
            )),
            _ => Alarm::Calm,
        }
    }
}

/// The same arguments in the same words, however they were spaced.
fn canonical(arguments: &str) -> String {
    serde_json::from_str::<serde_json::Value>(arguments)
        .map_or_else(|_| arguments.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use bottega_event::Approved;
    use bottega_policy::Verdict;
    use bottega_types::CallId;

    use super::*;

    /// Each line is `tool arguments -> ok|failed|denied result`; a result that begins with `~` changed a file.
    #[track_caller]
    fn check(lines: &str, expected: &str) {
        let mut breaker = Breaker::default();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (call, result) = line.split_once(" -> ").unwrap();
            let (name, arguments) = call.split_once(' ').unwrap();
            let (outcome, text) = result.split_once(' ').unwrap();
            let request =
                ToolCall { id: String::new(), name: name.into(), arguments: arguments.into() };
            let changes = if text.starts_with('~') {
                vec![bottega_tool::FileChange::new("a".into(), None, Some(vec![]), 0)]
            } else {
                vec![]
            };
            breaker.note(
                &request,
                &ToolReport {
                    call: CallId::from_bits(0),
                    outcome: match outcome {
                        "ok" => ToolOutcome::Succeeded,
                        "failed" => ToolOutcome::Failed,
                        _ => ToolOutcome::Denied,
                    },
                    summary: String::new(),
                    text: text.into(),
                    full: None,
                    changes,
                    unkept: None,
                    exit_code: None,
                    origins: Vec::new(),
                    approved: Approved { verdict: Verdict::Allow, approval: None },
                    elapsed_ms: 0,
                },
            );
        }
        let actual = match breaker.alarm(5) {
            Alarm::Calm => "calm",
            Alarm::Warn(_) => "warn",
            Alarm::Stop(_) => "stop",
            Alarm::Refused(_) => "refused",
        };
        assert_eq!(actual, expected);
    }

    #[test]
    fn the_same_call_with_the_same_result_is_a_circle() {
        check(&"grep {\"a\": 1} -> ok x\n".repeat(2), "calm");
        check(&"grep {\"a\": 1} -> ok x\n".repeat(3), "warn");
        check(&"grep {\"a\":1} -> ok x\ngrep {\"a\": 1} -> ok x\n".repeat(3), "stop");
    }

    #[test]
    fn two_calls_in_turn_are_a_circle_too() {
        check(&"grep {} -> ok x\nread_file {} -> ok y\n".repeat(3), "warn");
    }

    #[test]
    fn another_result_is_progress() {
        check(
            "run_tests {} -> ok 1
             run_tests {} -> ok 2
             run_tests {} -> ok 3
             run_tests {} -> ok 4
             run_tests {} -> ok 5",
            "calm",
        );
    }

    #[test]
    fn a_change_makes_old_results_new() {
        check(
            "read_file {} -> ok x
             read_file {} -> ok x
             edit_file {} -> ok ~done
             read_file {} -> ok x",
            "calm",
        );
    }

    #[test]
    fn a_change_made_again_and_again_is_a_circle() {
        check(&"shell {} -> ok ~done\n".repeat(5), "stop");
        check(&"shell {} -> ok ~done\nread_file {} -> ok x\n".repeat(2), "calm");
    }

    #[test]
    fn failures_and_refusals_in_a_row_end_it() {
        let lines: String =
            (0..12).map(|n| format!("edit_file {{\"n\":{n}}} -> failed {n}\n")).collect();
        check(&lines, "stop");
        let lines: String =
            (0..4).map(|n| format!("shell {{\"n\":{n}}} -> denied {n}\n")).collect();
        check(&lines, "refused");
    }
}
