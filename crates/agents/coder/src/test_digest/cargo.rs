//! The output of `cargo test`.

use super::{Digest, Kept, counted, number_before};

/// First words of cargo's own progress lines.
const PROGRESS: &[&str] = &[
    "Adding",
    "Blocking",
    "Building",
    "Checking",
    "Compiling",
    "Doc-tests",
    "Downgrading",
    "Downloaded",
    "Downloading",
    "Finished",
    "Fresh",
    "Locking",
    "Running",
    "Removing",
    "Updating",
    "Dirty",
];

/// Beginnings of lines that repeat what others say.
const ECHOES: &[&str] = &[
    "error: test failed, to rerun",
    "error: doctest failed, to rerun",
    "For more information about",
    "Some errors have detailed explanations",
    "note: run with `RUST_BACKTRACE=1`",
];

/// What `cargo check` and `cargo clippy` say, warnings as well.
pub(crate) fn diagnostics(text: &str) -> Digest {
    let mut kept = Kept::default();
    let (mut errors, mut warnings) = (0, 0);
    for line in text.lines() {
        let words = line.trim_start();
        let sums_up = line.starts_with("error: could not compile")
            || line.starts_with("error: aborting due to")
            || (line.starts_with("warning: ") && line.contains(" generated "));
        if sums_up || is_noise(line, words) {
            continue;
        }
        errors += usize::from(line.starts_with("error: ") || line.starts_with("error["));
        warnings += usize::from(line.starts_with("warning: ") || line.starts_with("warning["));
        kept.push(line);
    }
    let several = |count, one, many| if count == 1 { one } else { many };
    let counts = counted(&[
        (errors, several(errors, "error", "errors")),
        (warnings, several(warnings, "warning", "warnings")),
    ]);
    Digest { counts: (!counts.is_empty()).then_some(counts), ran: None, kept: kept.0 }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Nothing in particular.
    Nothing,
    /// A compiler warning, up to a blank line.
    Warning,
    /// A stack, up to a blank line; the panic's place says enough.
    Stack,
    /// The list of names after the failures' outputs, or of targets, up to the next line without indentation.
    Names,
}

/// What of `cargo test`'s output tells why tests failed.
pub(crate) fn digest(text: &str) -> Digest {
    let mut kept = Kept::default();
    let (mut passed, mut failed, mut results) = (0, 0, 0);
    let mut inside = Inside::Nothing;
    let mut not_compiled = false;
    for line in text.lines() {
        let words = line.trim_start();
        match inside {
            Inside::Warning | Inside::Stack if line.trim().is_empty() => {
                inside = Inside::Nothing;
                kept.push("");
                continue;
            }
            Inside::Warning if !line.starts_with("error") => continue,
            Inside::Stack => continue,
            Inside::Names if line.starts_with("    ") || line.trim().is_empty() => continue,
            Inside::Warning | Inside::Names | Inside::Nothing => inside = Inside::Nothing,
        }
        if line.starts_with("warning: ") || line.starts_with("warning[") {
            inside = Inside::Warning;
        } else if line == "stack backtrace:" {
            inside = Inside::Stack;
        } else if line.starts_with("test result: ") {
            passed += number_before(line, "passed").unwrap_or(0);
            failed += number_before(line, "failed").unwrap_or(0);
            results += 1;
        } else if line.trim_end() == "failures:"
            || (line.starts_with("error: ") && line.contains(" failed:"))
        {
            inside = Inside::Names;
        } else if !is_noise(line, words) {
            not_compiled |= line.starts_with("error: could not compile");
            kept.push(&without_thread_number(line));
        }
    }
    let counts = match (failed, results) {
        (0, _) if not_compiled => Some("the code does not compile".to_owned()),
        (_, 0) => None,
        (failed, _) => Some(counted(&[(failed, "failed"), (passed, "passed")])),
    };
    let ran = (results > 0 && !not_compiled).then_some(passed + failed);
    Digest { counts, ran, kept: kept.0 }
}

fn is_noise(line: &str, words: &str) -> bool {
    let first = words.split_whitespace().next().unwrap_or_default();
    let is_progress = line.starts_with("  ") && PROGRESS.contains(&first);
    let is_test = line.starts_with("test ")
        && (line.ends_with("... ok")
            || line.ends_with("... FAILED")
            || line.contains("... ignored"));
    let is_time = line.starts_with("all doctests ran in ");
    let is_count =
        line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test"));
    is_progress
        || is_test
        || is_time
        || is_count
        || ECHOES.iter().any(|echo| words.starts_with(echo))
}

/// `thread 'x' (123) panicked` without the number, which differs from run to run.
fn without_thread_number(line: &str) -> String {
    let Some((thread, rest)) = line.split_once("' (") else { return line.to_owned() };
    match rest.split_once(") panicked at ") {
        Some((number, place))
            if thread.contains("thread '") && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            format!("{thread}' panicked at {place}")
        }
        Some(_) | None => line.to_owned(),
    }
}
