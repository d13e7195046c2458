//! Where a test or a check failed, and what stands there.

use bottega_policy::Place as Lies;
use bottega_tool::{Found, ToolContext};

/// A line of a file that a test's output names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    path: String,
    line: usize,
}

/// Lines shown before the place.
const BEFORE: usize = 8;
/// Lines shown after it.
const AFTER: usize = 3;

/// Files whose failing lines are shown.
const SHOWN: usize = 2;

/// The code at the places that a failure names, so that nobody has to ask for it.
pub(crate) async fn failing_code(output: &str, context: &ToolContext) -> String {
    let mut shown = String::new();
    for place in places(output).into_iter().take(SHOWN) {
        // What lies outside the workspace, or behind a link that leads out, needs a permission of its own.
        let inside =
            context.workspace.resolve(&place.path).is_ok_and(|at| at.place == Lies::Inside);
        if inside && let Ok(Found::Text(content)) = context.workspace.read(&place.path).await {
            shown.push_str("\n\n");
            shown.push_str(around(&content.text, &place).trim_end());
        }
    }
    shown
}

/// The places that an output names as `path:line`, `path:line:column`, `path(line,column)` or
/// `"path", line LINE`, each file once, in order. Only paths below the workspace: absolute ones and those
/// that climb out are passed over.
fn places(output: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for line in output.lines() {
        let parenthesised = line.split_once('(').and_then(|(path, rest)| {
            let (number, _) = rest.split_once(',')?;
            (!path.contains(char::is_whitespace)).then(|| (path, number.parse().ok()))
        });
        let quoted = line.split_once("\", line ").and_then(|(before, rest)| {
            let (_, path) = before.rsplit_once('"')?;
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            Some((path, rest[..digits].parse().ok()))
        });
        let breaks = |c: char| c.is_whitespace() || "()[]\"'`,".contains(c);
        let words = line.split(breaks).filter_map(|word| {
            let mut fields = word.trim_end_matches(':').split(':');
            Some((fields.next()?, fields.next()?.parse().ok()))
        });
        for (path, number) in words.chain(parenthesised).chain(quoted) {
            place(path, number, &mut places);
        }
    }
    places
}

fn place(path: &str, line: Option<usize>, places: &mut Vec<Place>) {
    let path = path.strip_prefix("./").unwrap_or(path);
    let inside = !path.starts_with('/') && !path.split('/').any(|part| part == "..");
    let known = places.iter().any(|known| known.path == path);
    if let Some(line) = line
        && inside
        && path.contains('.')
        && line > 0
        && !known
    {
        places.push(Place { path: path.to_owned(), line });
    }
}

/// The lines around a place, numbered as `read_file` numbers them.
fn around(text: &str, place: &Place) -> String {
    let first = place.line.saturating_sub(BEFORE).max(1);
    let last = place.line + AFTER;
    let mut shown = format!("{}, lines around {}:\n", place.path, place.line);
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if (first..=last).contains(&number) {
            shown.push_str(&format!("{number}|{line}\n"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: &[(&str, usize)]) {
        let places = places(output);
        let actual: Vec<_> = places.iter().map(|p| (p.path.as_str(), p.line)).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn places_are_found_in_every_runners_words() {
        check("panicked at tests/invoice.rs:24:5:", &[("tests/invoice.rs", 24)]);
        check("test_a.py:7: AssertionError", &[("test_a.py", 7)]);
        check("    calc_test.go:12: got 3", &[("calc_test.go", 12)]);
        check("at Object.<anonymous> (./sum.test.js:5:17)", &[("sum.test.js", 5)]);
        check("src/a.ts(3,5): error TS2322: no", &[("src/a.ts", 3)]);
        check("  File \"./pkg/a.py\", line 4\n    x = (", &[("pkg/a.py", 4)]);
        check("src/main.rs:2:5: error[E0308]: mismatched types", &[("src/main.rs", 2)]);
        check("a.rs:1:1 then a.rs:9:1 then b.rs:2:2", &[("a.rs", 1), ("b.rs", 2)]);
    }

    #[test]
    fn what_lies_elsewhere_is_passed_over() {
        check("at /rustc/59807/library/std/src/panicking.rs:689:5", &[]);
        check("../other/a.rs:1:2", &[]);
        check("elapsed: 12:30, ratio 1.5:2 x:y", &[("1.5", 2)]);
    }

    #[test]
    fn a_place_is_shown_with_its_surroundings() {
        let text: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let shown = around(&text, &Place { path: "a.rs".into(), line: 3 });
        assert_eq!(shown.lines().next(), Some("a.rs, lines around 3:"));
        assert_eq!(shown.lines().nth(1), Some("1|line 1"));
        assert_eq!(shown.lines().last(), Some("6|line 6"));
    }
}
