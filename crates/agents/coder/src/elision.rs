//! Text that stands for text: `// ... rest of the file unchanged`.

/// The first line of `new` that only says that something was left out, and that `present` (the file as it
/// is) doesn't have. Writing such a line would lose what it stands for.
pub(crate) fn elided<'t>(new: &'t str, present: &str) -> Option<&'t str> {
    new.lines()
        .map(str::trim)
        .find(|line| stands_for_more(line) && !present.lines().any(|there| there.trim() == *line))
}

fn stands_for_more(line: &str) -> bool {
    const LEFT_OUT: &[&str] = &[
        "rest of",
        "existing",
        "unchanged",
        "remaining",
        "same as before",
        "previous code",
        "omitted",
        "other code",
    ];
    let words = line
        .trim_start_matches(['/', '#', '-', '*', ';', '<', '!', '%', ' ', '(', '[', '{'])
        .to_lowercase();
    let dotted = words.starts_with("...") || words.starts_with('…');
    let is_comment = words.len() < line.len();
    let says_so = LEFT_OUT.iter().any(|phrase| words.contains(phrase));
    (dotted && says_so)
        || (is_comment && words.ends_with("unchanged") && words.starts_with("rest of"))
        || (is_comment
            && dotted
            && words.trim_matches(['.', '…', ' ', '*', '/', '-', '>', '}']).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(new: &str, expected: Option<&str>) {
        assert_eq!(elided(new, "    # ... as ever, existing\n"), expected);
    }

    #[test]
    fn lines_that_stand_for_others_are_seen() {
        check("fn a() {}\n// ... existing code ...\n", Some("// ... existing code ..."));
        check("    # ... rest of the function", Some("# ... rest of the function"));
        check("/* … unchanged … */", Some("/* … unchanged … */"));
        check("# rest of the file unchanged", Some("# rest of the file unchanged"));
        check("// ...", Some("// ..."));
        check("<!-- ... -->", Some("<!-- ... -->"));
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        check("    ...\n", None); // a Python body
        check("let all = [..., rest];", None);
        check("// the rest of this is easy", None);
        check("f(...existing)", None);
        check("# ... as ever, existing", None);
    }
}
