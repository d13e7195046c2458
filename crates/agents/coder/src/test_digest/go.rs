//! The output of `go test`.

use super::{Digest, Kept, counted};

/// What of `go test`'s output tells why tests failed.
pub(crate) fn digest(text: &str) -> Digest {
    let mut kept = Kept::default();
    let (mut passed, mut failed, mut not_built) = (0, 0, 0);
    for line in text.lines() {
        let words = line.trim_start();
        if words.starts_with("--- FAIL:") {
            failed += usize::from(!line.starts_with(' '));
            kept.push(without_time(line));
        } else if words.starts_with("--- PASS:") {
            passed += usize::from(!line.starts_with(' '));
        } else if let Some(package) = line.strip_prefix("FAIL\t") {
            not_built +=
                usize::from(line.contains("[build failed]") || line.contains("[setup failed]"));
            kept.push(&format!("FAIL {}", package.split('\t').next().unwrap_or(package)));
        } else if !is_noise(line, words) {
            kept.push(line);
        }
    }
    let phrase = counted(&[(failed, "failed"), (not_built, "not built"), (passed, "passed")]);
    let nothing =
        failed + passed == 0 && text.contains("[no tests to run]") && !text.contains("\nFAIL");
    Digest {
        counts: (!phrase.is_empty()).then_some(phrase),
        ran: nothing.then_some(0),
        kept: kept.0,
    }
}

fn is_noise(line: &str, words: &str) -> bool {
    ["=== RUN", "=== PAUSE", "=== CONT", "=== NAME"].iter().any(|mark| words.starts_with(mark))
        || ["ok  \t", "?   \t", "PASS", "\t\t"].iter().any(|mark| line.starts_with(mark))
        || line == "FAIL"
        || line.starts_with("exit status")
}

/// `--- FAIL: TestAdd (0.00s)` without the time.
fn without_time(line: &str) -> &str {
    match line.rsplit_once(" (") {
        Some((told, time)) if time.ends_with("s)") => told,
        Some(_) | None => line,
    }
}
