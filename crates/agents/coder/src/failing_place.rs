//! Where a test failed, and what stands there.

/// A line of a file that a test's output names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) line: usize,
}

/// Lines shown before the place.
const BEFORE: usize = 8;
/// Lines shown after it.
const AFTER: usize = 3;

/// The places that an output names as `path:line` or `path:line:column`, each file once, in order. Only paths
/// below the workspace: absolute ones and those that climb out are passed over.
pub(crate) fn places(output: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let breaks = |c: char| c.is_whitespace() || "()[]\"'`,".contains(c);
    for word in output.split(breaks) {
        let mut fields = word.trim_end_matches(':').split(':');
        let (Some(path), Some(Ok(line))) = (fields.next(), fields.next().map(str::parse)) else {
            continue;
        };
        let path = path.strip_prefix("./").unwrap_or(path);
        let inside = !path.starts_with('/') && !path.split('/').any(|part| part == "..");
        if inside
            && path.contains('.')
            && line > 0
            && !places.iter().any(|known| known.path == path)
        {
            places.push(Place { path: path.to_owned(), line });
        }
    }
    places
}

/// The lines around a place, numbered as `read_file` numbers them.
pub(crate) fn around(text: &str, place: &Place) -> String {
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
