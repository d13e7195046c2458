//! Command lines taken apart, told as `line -> part ; part`.

use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(line: &str, expected: &[&str]) {
    let parts = simple_commands(line).unwrap_or_default();
    assert_eq!(parts, expected, "{line}");
}

#[track_caller]
fn unsure(lines: &[&str]) {
    for line in lines {
        assert_eq!(simple_commands(line), None, "{line}");
    }
}

#[test]
fn separators_end_a_command() {
    check("cd a && x | y; z", &["cd a", "x", "y", "z"]);
    check("a || b |& c & d\ne;", &["a", "b", "c", "d", "e"]);
    check("cargo test \\\n  --offline", &["cargo test --offline"]);
    check("make  # && rm -rf /", &["make"]);
    check("make &&\n make install", &["make", "make install"]);
}

#[test]
fn quotes_that_are_not_needed_are_gone() {
    check("g\"i\"t 'push' or\\igin", &["git push origin"]);
    check("grep 'a && b' \"c | d\"", &["grep 'a && b' 'c | d'"]);
    check("echo ''", &["echo ''"]);
    check("grep \"foo$\" x", &["grep 'foo$' x"]);
    check("echo it\\'s", &["echo 'it'\\''s'"]);
    // A program that has a keyword's name stays one.
    check("A=1 d\\o 'done'", &["A=1 'do' done", "'do' done"]);
}

#[test]
fn expansions_of_arguments_stay() {
    check("ls *.rs $HOME/x ~/y", &["ls *.rs $HOME/x ~/y"]);
    check("[ -f a ] && cat a", &["[ -f a ]", "cat a"]);
    check("ls \"$A\"b $A'b' $1b $Ab", &["ls $A\\b $A\\b $1b $Ab"]);
}

#[test]
fn what_is_quoted_beside_an_expansion_does_not_expand() {
    check("ls \"$\"*", &["ls \\$*"]);
    check("ls '*'$A \"*$A\" *$A", &["ls \\*$A \\*$A *$A"]);
    check("ls '$A'$B '~'/*", &["ls \\$A$B \\~/*"]);
    check("ls 'a b\nc'*", &["ls a\\ b'\n'c*"]);
}

#[test]
fn assignments_in_front_are_seen_by_both_kinds_of_rule() {
    check("A=1 B+=2 make x", &["A=1 B+=2 make x", "make x"]);
    unsure(&["PATH=/evil; ls", "A=1"]);
}

#[test]
fn redirections_that_write_nothing_are_no_matter() {
    check("make 2>&1 | tail -5", &["make", "tail -5"]);
    check("make >/dev/null 2>> /dev/null <in", &["make <in"]);
    check("sh < 'a b'", &["sh <'a b'"]);
    unsure(&["<in sh"]);
    unsure(&["a > b", "a >> b", "a >| b", "a &> b", "a 2>b", "a <> b", "a >&b", "a > $X", "a >"]);
}

#[test]
fn what_is_not_sure_is_not_taken_apart() {
    unsure(&[
        "a $(b)",
        "a `b`",
        "a \"$(b)\"",
        "a \"`b`\"",
        "a <(b)",
        "a >(b)",
        "a ${b}",
        "a $((1))",
        "a $'b'",
        "a $b\\\nc",
        "a \"$b\\\nc\"",
    ]);
    unsure(&[
        "cat <<E\nx\nE",
        "cat <<<x",
        "(a)",
        "{ a; }",
        "if a; then b; fi",
        "for x in y; do z; done",
    ]);
    unsure(&[
        "! a",
        "f() { b; }",
        "time a",
        "[[ -f x ]]",
        "$X a",
        "~/x",
        "a* b",
        "{rm,-rf} x",
        "''",
    ]);
    unsure(&[
        "", "   ", "#x", "&& a", "a && ", "a | ", "a ;; b", "; a", "a 'b", "a \"b", "a \\", "a $",
    ]);
}

proptest! {
    /// A part taken apart again is itself: the normal form is stable.
    #[test]
    fn parts_are_their_own_only_part(line in "[a-z'\"\\\\$ ;&|<>=*#~!0-9/.-]{0,30}") {
        for part in simple_commands(&line).unwrap_or_default() {
            if !part.contains('=') {
                prop_assert_eq!(simple_commands(&part), Some(vec![part.clone()]), "{}", line);
            }
        }
    }

    #[test]
    fn no_line_makes_it_fall(line in "\\PC{0,60}") {
        let _ = simple_commands(&line);
    }
}
