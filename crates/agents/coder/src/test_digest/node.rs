//! The output of the test runners that `npm test` starts: node's own, jest, vitest, mocha.

use super::{Digest, Kept, counted, number_before};

/// Beginnings of lines that say nothing about a failure.
const NOISE: &[&str] = &[
    "npm ERR!",
    "npm error",
    "npm notice",
    "npm warn",
    "PASS ",
    "✓",
    "✔",
    "√",
    "ok ",
    "# duration_ms",
    "ℹ duration_ms",
    "duration_ms",
    "Time:",
    "Duration",
    "Start at",
    "Ran all test suites",
    "Snapshots:",
    "# tests",
    "# suites",
    "# cancelled",
    "# skipped",
    "# todo",
    "ℹ tests",
    "ℹ suites",
    "ℹ cancelled",
    "ℹ skipped",
    "ℹ todo",
    "# Subtest",
    "TAP version",
    "failureType:",
    "1..",
];

/// What of `npm test`'s output tells why tests failed.
pub(crate) fn digest(text: &str) -> Digest {
    let mut kept = Kept::default();
    let (mut passed, mut failed) = (None, None);
    for line in text.lines() {
        let words = line.trim_start();
        // jest and vitest count `Tests`, mocha says `passing`, node `pass`.
        if words.starts_with("Tests:") || words.starts_with("Tests  ") {
            passed = number_before(words, "passed").or(passed);
            failed = number_before(words, "failed").or(failed);
        } else if let Some(count) =
            words.strip_prefix("ℹ pass ").or_else(|| words.strip_prefix("# pass "))
        {
            passed = count.trim().parse().ok();
        } else if let Some(count) =
            words.strip_prefix("ℹ fail ").or_else(|| words.strip_prefix("# fail "))
        {
            failed = count.trim().parse().ok();
        } else if number_before(words, "passing").is_some() {
            passed = number_before(words, "passing");
        } else if number_before(words, "failing").is_some() {
            failed = number_before(words, "failing");
        } else if words.starts_with("✖ failing tests:") {
            // What follows repeats all failures, with their places.
            kept = Kept::default();
        } else if !line.starts_with("> ")
            && !NOISE.iter().any(|noise| words.starts_with(noise))
            && !is_frame(words)
        {
            kept.push(without_time(line));
        }
    }
    let ran =
        (passed.is_some() || failed.is_some()).then(|| passed.unwrap_or(0) + failed.unwrap_or(0));
    let phrase = counted(&[(failed.unwrap_or(0), "failed"), (passed.unwrap_or(0), "passed")]);
    Digest { counts: (!phrase.is_empty()).then_some(phrase), ran, kept: kept.0 }
}

/// Marks of the test protocol, and frames of node itself.
fn is_frame(words: &str) -> bool {
    words.starts_with("Test Suites:")
        || words == "---"
        || words == "..."
        || words.contains("node:internal/")
        || words.contains("(node:async_hooks")
}

/// `✖ adds (1.25ms)` without the time.
fn without_time(line: &str) -> &str {
    match line.trim_end().rsplit_once(" (") {
        Some((told, time))
            if time.ends_with("s)") && time.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            told
        }
        Some(_) | None => line,
    }
}
