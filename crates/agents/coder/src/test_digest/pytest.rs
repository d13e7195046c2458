//! The output of pytest.

use super::{Digest, Kept, counted, number_before};

/// What of pytest's output tells why tests failed.
pub(crate) fn digest(text: &str) -> Digest {
    let mut kept = Kept::default();
    let mut counts = None;
    let mut ran = None;
    // Before the first heading stand the dots, one for each test.
    let mut wanted = false;
    for line in text.lines() {
        if let Some(title) = heading(line, '=') {
            wanted = title != "warnings summary" && !title.starts_with("test session");
            if let Some((phrase, sum)) = summary(title) {
                (counts, ran) = (Some(phrase), Some(sum));
            } else if wanted {
                kept.push(title);
            }
        } else if let Some((phrase, sum)) = summary(line) {
            (counts, ran) = (Some(phrase), Some(sum));
        } else if let Some(title) = heading(line, '_') {
            if wanted {
                kept.push(&format!("-- {title}"));
            }
        } else if heading(line, '!').is_some() {
            // `Interrupted: 1 error during collection` repeats the count.
        } else if wanted
            || line.starts_with("E ")
            || line.contains("Error")
            || line.contains("No module named")
        {
            kept.push(line);
        }
    }
    Digest { counts, ran, kept: kept.0 }
}

/// The words between two runs of `sign`.
fn heading(line: &str, sign: char) -> Option<&str> {
    let rule: String = std::iter::repeat_n(sign, 3).collect();
    let is_heading = line.starts_with(&rule) && line.trim_end().ends_with(&rule);
    let title = line.trim().trim_matches(sign).trim();
    (is_heading && !title.is_empty()).then_some(title)
}

/// `1 failed, 2 passed in 0.03s`, without the time; with how many tests ran.
fn summary(line: &str) -> Option<(String, usize)> {
    let (told, time) = line.trim().rsplit_once(" in ")?;
    if !time.ends_with('s') && !time.ends_with(')') {
        return None;
    }
    let nothing = told == "no tests ran"
        || (number_before(told, "deselected").is_some() && !told.contains(','));
    if nothing {
        return Some(("no tests ran".to_owned(), 0));
    }
    let of = |one: &str, many: &str| {
        number_before(told, one).or_else(|| number_before(told, many)).unwrap_or(0)
    };
    let (failed, passed) = (of("failed", "failed"), of("passed", "passed"));
    let (errors, skipped) = (of("error", "errors"), of("skipped", "skipped"));
    let phrase = counted(&[
        (failed, "failed"),
        (errors, if errors == 1 { "error" } else { "errors" }),
        (passed, "passed"),
        (skipped, "skipped"),
    ]);
    (!phrase.is_empty()).then_some((phrase, failed + passed + errors))
}
