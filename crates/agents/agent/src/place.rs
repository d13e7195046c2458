//! The places of a line at which something may be wrong, and how to ask for something else there.
//!
//! Programs are mostly right, and wrong ones are mostly wrong in one small place (the competent programmer hypothesis
//! of mutation testing: DeMillo, Lipton and Sayward 1978, "Hints on Test Data Selection"). So a line is asked about
//! word by word: everything before the place stays, the place must become something else, and what follows is the
//! model's. The condition is a regular expression without look-around, so that a constrained decoder can follow it.

use std::fmt::Write as _;

/// What kind of word stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Operator,
    /// An operator that may lack its `=`.
    Longer,
    Number,
    /// An operator without blanks around it: a sign, a reference, a bracket of types.
    Tight,
    Name,
}

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    kind: Kind,
    /// Where the word begins, in bytes.
    at: usize,
    word: String,
}

impl Place {
    /// So many lines nearer to the failure must a place be, to be tried before an operator.
    pub(crate) const fn handicap(&self) -> usize {
        match self.kind {
            Kind::Operator => 0,
            Kind::Longer => 2,
            Kind::Number => 4,
            Kind::Tight => 12,
            Kind::Name => 16,
        }
    }
}

/// The characters that operators are made of, in the usual languages.
const OPERATORS: &str = "+-*/%<>=!&|^~?";
/// The characters that names and numbers are made of.
const NAMES: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
/// Operators that join parts of a statement: nothing else can stand there.
const JOINTS: [&str; 3] = ["->", "=>", "="];
/// Operators that are often meant to be longer ones.
const SHORT: [&str; 2] = ["<", ">"];
/// Characters after the place, at most.
const REST: usize = 120;

/// The places of a line, operators first.
pub(crate) fn places(line: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let at = line.len() - rest.len();
        let class = [OPERATORS, NAMES].into_iter().find(|class| class.contains(first));
        let Some(class) = class else {
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let end = rest.find(|c| !class.contains(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let spaced = line[..at].ends_with(char::is_whitespace);
        let kind = match class {
            OPERATORS if spaced && after.starts_with(char::is_whitespace) => Kind::Operator,
            OPERATORS => Kind::Tight,
            _ if first.is_ascii_digit() => Kind::Number,
            _ => Kind::Name,
        };
        if !JOINTS.contains(&word) {
            places.push(Place { kind, at, word: word.to_owned() });
            if kind == Kind::Operator && SHORT.contains(&word) {
                places.push(Place { kind: Kind::Longer, at, word: word.to_owned() });
            }
        }
        rest = after;
    }
    places.sort_by_key(Place::handicap);
    places
}

/// The expression that a line follows when it keeps everything before the place and has another word there. A
/// longer word is not another one: a model that likes the old word would write it and then only add to it. For the
/// operators of which that is the usual mistake (`>` for `>=`) it is a place of its own.
pub(crate) fn departure(line: &str, place: &Place) -> String {
    let class = match place.kind {
        Kind::Operator | Kind::Longer | Kind::Tight => OPERATORS,
        Kind::Number | Kind::Name => NAMES,
    };
    let any: String = class.chars().map(in_class).collect();
    let mut pattern = format!("^{}", regex::escape(&line[..place.at]));
    if place.kind == Kind::Longer {
        let _ = write!(pattern, "{}={}$", regex::escape(&place.word), rest());
        return pattern;
    }
    for (index, char) in place.word.chars().enumerate() {
        if index == 0 {
            // Either the first character is already another one, …
            let _ = write!(pattern, r"(?:[^\s\x00-\x1f{}]{}", in_class(char), rest());
        } else {
            // … or a later one is, or the word ends before it.
            let before: String = place.word.chars().skip(index - 1).take(1).collect();
            let others: String = class.chars().filter(|c| *c != char).map(in_class).collect();
            let _ = write!(
                pattern,
                r"|{}(?:[{others}]{1}|(?:[^{any}\x00-\x1f]{1})?",
                regex::escape(&before),
                rest()
            );
        }
    }
    pattern.push_str(&")".repeat(place.word.len()));
    pattern.push('$');
    pattern
}

/// The expression that any line follows which does not begin or end with a blank.
pub(crate) fn line() -> String {
    format!(r"^[^\s\x00-\x1f]{}$", rest())
}

/// The rest of a line, without blanks at its end.
fn rest() -> String {
    format!(r"(?:[^\x00-\x1f]{{0,{REST}}}[^\s\x00-\x1f])?")
}

/// A character as it is written between brackets.
fn in_class(c: char) -> String {
    if matches!(c, '\\' | ']' | '[' | '^' | '-' | '&' | '~') {
        format!("\\{c}")
    } else {
        c.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let words: Vec<String> = places(line).into_iter().map(|place| place.word).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn operators_come_first_then_numbers_then_names() {
        check("Vec<u8> = -1;", &["1", "<", ">", "-", "Vec", "u8"]);
        check("a.b() + c >= 10_0;", &["+", ">=", "10_0", "a", "b", "c"]);
        check("fn f(x: u8) -> u8 {", &["fn", "f", "x", "u8", "u8"]);
        check("a < b", &["<", "<", "a", "b"]);
        check("é || \"é\"", &["||"]);
        check("", &[]);
    }

    #[track_caller]
    fn differs(line: &str, word: &str, other: &str, expected: bool) {
        let places = places(line).into_iter().filter(|place| place.word == word);
        let patterns: Vec<Regex> =
            places.map(|place| Regex::new(&departure(line, &place)).unwrap()).collect();
        let matches = patterns.iter().any(|pattern| pattern.is_match(other));
        assert_eq!(matches, expected, "{patterns:?} on {other}");
    }

    #[test]
    fn the_word_at_the_place_must_become_another() {
        differs("a + b - c", "-", "a + b - c", false);
        differs("a + b - c", "-", "a + b - d", false);
        differs("a + b - c", "-", "a + b + c", true);
        differs("a + b - c", "-", "a + b + x(1, 2)", true);
        differs("a + b - c", "-", "a + b -= c", false);
        differs("a + b - c", "-", "a - b + c", false);
        differs("x > 1", ">", "x >= 1", true);
        differs("x >= 1", ">=", "x > 1", true);
        differs("x >= 1", ">=", "x >= 2", false);
        differs("let total = 5;", "total", "let totals = 5;", false);
        differs("let total = 5;", "total", "let tot = 5;", true);
        differs("let total = 5;", "total", "let total = 6;", false);
        differs("let total = 5;", "total", "let  = 5;", false);
        differs("f(100)", "100", "f(101)", true);
        differs("f(100)", "100", "f(10)", true);
        differs("f(100)", "100", "f(1000)", false);
        differs("f(100)", "100", "f(10) ", false);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_line_never_matches_its_own_departures(line in r"[a-z0-9_+<=>&|^~\[\]\\(){}. -]{1,20}") {
            let line = line.trim();
            for place in places(line) {
                let pattern = Regex::new(&departure(line, &place)).unwrap();
                prop_assert!(!pattern.is_match(line));
                let other = format!("{}Z{}", &line[..place.at], &line[place.at + place.word.len()..]);
                let longer = place.kind == Kind::Longer;
                prop_assert!(longer || pattern.is_match(&other), "{} on {}", pattern, other);
            }
        }
    }
}
