//! What a test runner says at its end, added up over all that it ran.

use std::fmt;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    /// Adds a line of output, when it is a closing line of the test harness or of nextest.
    pub(crate) fn read(&mut self, line: &str) {
        let line = plain(line);
        let counts = match line.trim_start() {
            line if line.starts_with("test result:") => line,
            line if line.starts_with("Summary [") => line
                .split_once("tests run:")
                .or_else(|| line.split_once("test run:"))
                .map_or("", |(_, counts)| counts),
            _ => return,
        };
        for part in counts.split([';', ',', '.']) {
            let part = part.trim();
            let Some((number, what)) = part.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            // nextest says more in brackets: `12 passed (2 slow)`.
            match what.split(" (").next().unwrap_or(what) {
                "passed" => self.passed += number,
                "failed" | "timed out" | "exec failed" => self.failed += number,
                "ignored" | "skipped" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// The sum of all lines of an output.
    pub(crate) fn of(output: &str) -> Self {
        let mut tally = Self::default();
        output.lines().for_each(|line| tally.read(line));
        tally
    }
}

/// In the words of the test harness.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, ignored } = self;
        write!(f, "{passed} passed; {failed} failed; {ignored} ignored")
    }
}

/// The line without colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: &str) {
        assert_eq!(Tally::of(output).to_string(), expected);
    }

    #[test]
    fn closing_lines_of_the_harness_are_added_up() {
        check(
            "running 3 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: \u{1b}[31mFAILED\u{1b}[m. 4 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1.20s",
            "7 passed; 2 failed; 1 ignored",
        );
    }

    #[test]
    fn closing_lines_of_nextest_are_added_up() {
        check(
            "     Summary [   0.305s] 20 tests run: 15 passed (2 slow), 3 failed, 1 timed out, 1 exec failed, 4 skipped",
            "15 passed; 5 failed; 4 ignored",
        );
        check(
            "     Summary [   0.010s] 1 test run: 1 passed, 0 skipped",
            "1 passed; 0 failed; 0 ignored",
        );
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.010s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m",
            "2 passed; 0 failed; 0 ignored",
        );
    }

    #[test]
    fn other_lines_say_nothing() {
        check("error: 3 failed, of course", "0 passed; 0 failed; 0 ignored");
    }
}
