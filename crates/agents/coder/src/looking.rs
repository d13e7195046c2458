//! Command lines that only look.

use bottega_policy::simple_commands;

/// Programs that change nothing, whatever they are told.
const LOOKING: &[&str] = &[
    "[", "cat", "cd", "cmp", "cut", "date", "df", "diff", "du", "echo", "egrep", "false", "fgrep",
    "file", "grep", "head", "id", "ls", "nl", "printf", "pwd", "sleep", "stat", "tac", "tail",
    "test", "tr", "true", "type", "uname", "wc", "which", "whoami",
];

/// Commands of git that change nothing, unless they are told to write their output somewhere.
const LOOKING_OF_GIT: &[&str] =
    &["blame", "diff", "grep", "log", "ls-files", "rev-parse", "show", "status"];

/// Whether a line changes nothing, for certain: it is made of well-known commands and writes nowhere.
pub(crate) fn is(line: &str) -> bool {
    simple_commands(line).is_some_and(|commands| commands.iter().all(|command| only_looks(command)))
}

fn only_looks(command: &str) -> bool {
    let mut words = command.split_whitespace();
    match words.next() {
        Some("git") => {
            words.next().is_some_and(|word| LOOKING_OF_GIT.contains(&word))
                && !command.contains("--output")
                && !command.contains(" -O")
        }
        Some(program) => LOOKING.contains(&program),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: bool) {
        assert_eq!(is(line), expected, "{line}");
    }

    #[test]
    fn what_only_looks_is_known() {
        check("sleep 1", true);
        check("cd src && ls -la | head -5; cat 'a b'", true);
        check("git status && git log --oneline -3", true);
        check("grep -rn x . 2>/dev/null", true);
    }

    #[test]
    fn all_else_may_change_something() {
        check("make", false);
        check("cat a > b", false);
        check("ls; rm a", false);
        check("echo $(rm a)", false);
        check("A=1 ls", false);
        check("git commit -m x", false);
        check("git diff --output=x", false);
        check("git -C x status", false);
        check("/tmp/ls", false);
        check("", false);
    }
}
