//! The commands that a line comes to run, through the programs that are there to run others.

use super::is_assignment;
use super::loose::{Loose, Word, commands};

/// How many programs may stand in front of each other.
const DEPTH: usize = 8;
/// Commands of one line at most.
const MOST: usize = 512;

/// Words in front of a command that only say how the line goes on.
const KEYWORDS: &[&str] = &[
    "!", "{", "}", "coproc", "do", "done", "elif", "else", "esac", "fi", "if", "then", "until",
    "while",
];

/// How a program finds the command that it runs.
enum Form {
    /// Behind its own options, of which `valued` have a value and `lines` have a command line for one, and `own` more
    /// words.
    Behind { valued: &'static [&'static str], lines: &'static [&'static str], own: usize },
    /// The line behind `-c`, or what it reads.
    Shell,
    /// All of its words are one line.
    Joined,
    /// From one of these words to `;` or `+`.
    From(&'static [&'static str]),
    /// `NAME=LINE`, each of its words.
    Defined,
    /// Behind one of these words and its options; some options have a line.
    After { verbs: &'static [&'static str], lines: &'static [&'static str] },
    /// Settings for this run that hold a line behind `!`.
    Settings,
    /// With options, it changes what names mean, so that nothing after it is known.
    Hiding,
}

const fn behind(valued: &'static [&'static str]) -> Form {
    Form::Behind { valued, lines: &[], own: 0 }
}

/// The programs that run others.
const WRAPPERS: &[(&[&str], Form)] = &[
    (&["sh", "bash", "dash", "zsh", "ash", "ksh", "mksh", "fish", "rbash"], Form::Shell),
    (&["eval", "trap"], Form::Joined),
    (&["find", "gfind"], Form::From(&["-exec", "-execdir", "-ok", "-okdir"])),
    (&["fd", "fdfind"], Form::From(&["-x", "-X", "--exec", "--exec-batch"])),
    (
        &["env"],
        Form::Behind {
            valued: &["-u", "--unset", "-C", "--chdir"],
            lines: &["-S", "--split-string"],
            own: 0,
        },
    ),
    (
        &["command", "builtin", "nohup", "setsid", "busybox", "toybox", "unbuffer", "winpty"],
        behind(&[]),
    ),
    (&["exec"], behind(&["-a"])),
    (&["time", "gtime"], behind(&["-f", "--format", "-o", "--output"])),
    (&["nice"], behind(&["-n", "--adjustment"])),
    (&["ionice"], behind(&["-c", "--class", "-n", "--classdata"])),
    (&["stdbuf"], behind(&["-i", "--input", "-o", "--output", "-e", "--error"])),
    (
        &["timeout", "gtimeout"],
        Form::Behind { valued: &["-k", "--kill-after", "-s", "--signal"], lines: &[], own: 1 },
    ),
    (&["chrt", "taskset", "chroot"], Form::Behind { valued: &[], lines: &[], own: 1 }),
    (
        &["flock"],
        Form::Behind { valued: &["-w", "--timeout", "-E"], lines: &["-c", "--command"], own: 1 },
    ),
    (
        &["sudo"],
        behind(&[
            "-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D",
            "--chdir", "-R", "-r", "-t", "-T", "-U",
        ]),
    ),
    (&["doas"], behind(&["-u", "-C"])),
    (
        &["su", "runuser"],
        Form::Behind {
            valued: &["-u", "--user", "-g", "-G", "-s", "--shell"],
            lines: &["-c", "--command"],
            own: 0,
        },
    ),
    (&["script"], Form::Behind { valued: &[], lines: &["-c", "--command"], own: usize::MAX }),
    (&["alias"], Form::Defined),
    (
        &["npx", "bunx"],
        Form::Behind { valued: &["-p", "--package"], lines: &["-c", "--call"], own: 0 },
    ),
    (
        &["npm", "pnpm", "yarn"],
        Form::After { verbs: &["exec", "dlx", "x"], lines: &["-c", "--call"] },
    ),
    (
        &["uv", "poetry", "pdm", "pipenv", "rye", "hatch"],
        Form::After { verbs: &["run"], lines: &[] },
    ),
    (
        &["bundle", "mise", "asdf", "rbenv", "pyenv", "nodenv"],
        Form::After { verbs: &["exec"], lines: &[] },
    ),
    (&["direnv"], Form::Behind { valued: &[], lines: &[], own: 2 }),
    (&["nix-shell"], Form::After { verbs: &[], lines: &["--run", "--command"] }),
    (
        &["systemd-run"],
        behind(&["-u", "--unit", "-p", "--property", "-E", "--setenv", "--uid", "--gid"]),
    ),
    (&["entr"], behind(&[])),
    (&["gdb", "lldb"], Form::After { verbs: &["--args", "--"], lines: &[] }),
    (&["git"], Form::Settings),
    (
        &["tar", "gtar", "bsdtar"],
        Form::Behind {
            valued: &[],
            lines: &[
                "--checkpoint-action=exec",
                "--to-command",
                "--use-compress-program",
                "--info-script",
                "--new-volume-script",
                "-F",
                "-I",
            ],
            own: usize::MAX,
        },
    ),
    (&["hash", "enable", "bind", "complete"], Form::Hiding),
    (
        &["unshare"],
        behind(&[
            "-S",
            "--setuid",
            "-G",
            "--setgid",
            "-R",
            "--root",
            "-w",
            "--wd",
            "--propagation",
        ]),
    ),
    (&["nsenter"], behind(&["-t", "--target", "-S", "--setuid", "-G", "--setgid"])),
    (&["setpriv"], behind(&["--reuid", "--regid", "--groups", "--bounding-set"])),
    (&["prlimit", "setarch", "linux64", "fakeroot", "proot", "dbus-run-session"], behind(&[])),
    (&["chpst", "softlimit", "numactl", "cgexec"], behind(&["-u", "-g", "-m", "-n", "-N"])),
    (
        &[
            "ld.so",
            "ld-linux.so.2",
            "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1",
            "ld-musl-x86_64.so.1",
        ],
        behind(&["--library-path", "--preload", "--argv0", "--audit", "--inhibit-rpath"]),
    ),
    (
        &["xargs", "gxargs"],
        behind(&[
            "-a",
            "--arg-file",
            "-d",
            "--delimiter",
            "-E",
            "-I",
            "-L",
            "--max-lines",
            "-n",
            "--max-args",
            "-P",
            "--max-procs",
            "-s",
            "--max-chars",
        ]),
    ),
    (&["parallel"], behind(&["-j", "--jobs", "-I", "-n", "-a", "--colsep", "-N"])),
    (&["watch"], behind(&["-n", "--interval"])),
    (&["strace", "ltrace"], behind(&["-o", "-e", "-p", "-s", "-u", "-E"])),
];

/// Options that stand between a program and the word that says what it does.
const VALUED: &[(&str, &[&str])] = &[(
    "git",
    &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"],
)];

/// A command that a line comes to run.
pub(crate) struct Command {
    /// Its words; the first is the program as it was written.
    pub(crate) words: Vec<String>,
    /// Whether it only runs another one of the list.
    pub(crate) wraps: bool,
    /// What a here-document or a here-string gives it to read.
    pub(crate) input: Option<String>,
}

/// All that a line comes to run.
#[derive(Default)]
pub(crate) struct Reached {
    pub(crate) commands: Vec<Command>,
    /// Files of redirections; with `true` they are written.
    pub(crate) files: Vec<(String, bool)>,
    /// Assignments, those in front of commands too.
    pub(crate) assigned: Vec<String>,
    /// What loops are given to read.
    pub(crate) inputs: Vec<String>,
    /// Whether some command is known only when the line runs.
    pub(crate) uncertain: bool,
}

/// Finds what a line comes to run.
pub(crate) fn reached(line: &str) -> Reached {
    let mut reached = Reached::default();
    reached.line(line, DEPTH);
    reached
}

/// The name of a program, without the folder that it lies in.
pub(crate) fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Programs that are given a program of their own language as a word.
pub(super) const INTERPRETERS: &[&str] =
    &["awk", "gawk", "lua", "mawk", "node", "perl", "php", "python", "python2", "python3", "ruby"];

/// Editors, whose commands stand in their words, and `make`, which may read its rules.
const SCRIPTED: &[&str] = &["ed", "ex", "gmake", "gsed", "make", "nvim", "sed", "vi", "vim"];

impl Command {
    /// Words, and what it reads, that are, or may be, programs in another language than the shell's.
    pub(crate) fn code(&self) -> impl Iterator<Item = &str> {
        let program = self.words.first().map_or("", |program| base_name(program));
        let known = INTERPRETERS.contains(&program) || SCRIPTED.contains(&program);
        let words = self.words.iter().skip(1).map(String::as_str);
        // A file's name has no blanks and no brackets; a program that runs others has.
        let code = |word: &&str| word.contains([' ', '(', '\'', '"', '!', '|']);
        words.filter(code).chain(self.input.as_deref()).filter(move |_| known)
    }

    /// The ways in which a rule may have written it: as it stands, by the program's name alone, and without the
    /// options in front of what the program is to do.
    pub(crate) fn spellings(&self) -> [Vec<&str>; 3] {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let mut named = words.clone();
        if let Some(program) = named.first_mut() {
            *program = base_name(program);
        }
        let program = named.first().copied().unwrap_or_default();
        let valued = VALUED.iter().find(|(name, _)| *name == program).map_or(&[][..], |(_, v)| v);
        let skipped = 1 + options(&named[1.min(named.len())..], valued);
        let bare = named.first().into_iter().chain(named.iter().skip(skipped)).copied().collect();
        [words, named, bare]
    }
}

/// How many of the words in front are options, with their values.
fn options(words: &[&str], valued: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if *word == "--" {
            return at + 1;
        }
        if !word.starts_with('-') || word.len() < 2 {
            break;
        }
        at += if valued.contains(word) { 2 } else { 1 };
    }
    at.min(words.len())
}

/// Whether `word` is several short options of which `name` is the last: `-qc` for `-c`.
fn is_cluster(word: &str, name: &str) -> bool {
    let letters = name.strip_prefix('-').filter(|letter| letter.len() == 1);
    let cluster = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    letters.is_some_and(|letter| cluster.is_some_and(|cluster| cluster.ends_with(letter)))
}

impl Reached {
    fn line(&mut self, line: &str, depth: usize) {
        for command in commands(line) {
            let Loose { words, files, input } = command;
            self.files.extend(files);
            self.command(&words, input.as_deref(), depth);
        }
    }

    fn command(&mut self, words: &[Word], input: Option<&str>, depth: usize) {
        let ahead = words
            .iter()
            .take_while(|word| KEYWORDS.contains(&word.text.as_str()) || is_assignment(&word.text));
        let (ahead, words) = words.split_at(ahead.count());
        let assigned = ahead.iter().filter(|word| is_assignment(&word.text));
        self.assigned.extend(assigned.map(|word| word.text.clone()));
        let Some((program, arguments)) = words.split_first() else {
            self.inputs.extend(input.map(str::to_owned));
            return;
        };
        if depth == 0 || self.commands.len() >= MOST {
            self.uncertain = true;
            return;
        }
        self.uncertain |= program.expands;
        let at = self.commands.len();
        let texts = words.iter().map(|word| word.text.clone()).collect();
        let input_text = input.map(str::to_owned);
        self.commands.push(Command { words: texts, wraps: false, input: input_text });
        let name = base_name(&program.text);
        let form = WRAPPERS.iter().find(|(names, _)| names.contains(&name)).map(|(_, form)| form);
        let wraps = form.is_some_and(|form| self.wrapped(form, arguments, input, depth - 1));
        self.commands[at].wraps = wraps;
    }

    /// Reads what a wrapper runs. Says whether its words are those of that command.
    fn wrapped(&mut self, form: &Form, words: &[Word], input: Option<&str>, depth: usize) -> bool {
        match form {
            Form::Shell => {
                self.shell(words, input, depth);
                true
            }
            Form::Defined => {
                for (_, line) in words.iter().filter_map(|word| word.text.split_once('=')) {
                    self.line(line, depth);
                }
                false
            }
            Form::Settings => {
                let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                let verb = |name: &str| texts.iter().position(|text| *text == name);
                if verb("bisect").is_some()
                    && let Some(run) = verb("run")
                {
                    self.command(&words[run + 1..], input, depth);
                }
                if verb("rebase").is_some() {
                    self.lines(&texts, &["-x", "--exec"], depth);
                }
                if let Some(each) = verb("foreach") {
                    let start = each + 1 + options(&texts[each + 1..], &[]);
                    self.line(&texts[start..].join(" "), depth);
                }
                let settings = words
                    .iter()
                    .take_while(|word| word.text.starts_with('-') || word.text.contains('='));
                for (_, line) in settings.filter_map(|word| word.text.split_once("=!")) {
                    self.line(line, depth);
                }
                false
            }
            Form::Hiding => {
                self.uncertain |= words.iter().any(|word| word.text.starts_with('-'));
                false
            }
            Form::Joined => {
                let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                self.line(&texts.join(" "), depth);
                true
            }
            Form::From(starts) => {
                let mut rest = words;
                while let Some(start) =
                    rest.iter().position(|word| starts.contains(&word.text.as_str()))
                {
                    rest = &rest[start + 1..];
                    let ends = |word: &Word| matches!(word.text.as_str(), ";" | "+");
                    let end = rest.iter().position(ends).unwrap_or(rest.len());
                    self.command(&rest[..end], None, depth);
                    rest = &rest[end..];
                }
                false
            }
            Form::After { verbs, lines } => {
                let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                self.lines(&texts, lines, depth);
                let Some(verb) = texts.iter().position(|text| verbs.contains(text)) else {
                    return false;
                };
                let start = verb + 1 + options(&texts[verb + 1..], &[]);
                self.command(&words[start..], input, depth);
                false
            }
            Form::Behind { valued, lines, own } => {
                let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                self.lines(&texts, lines, depth);
                let all: Vec<&str> = valued.iter().chain(*lines).copied().collect();
                let start = options(&texts, &all).saturating_add(*own);
                // `command -v NAME` only looks where it is.
                if texts.first().is_some_and(|first| matches!(*first, "-v" | "-V")) {
                    return false;
                }
                let Some(rest) = words.get(start..) else { return false };
                self.command(rest, input, depth);
                true
            }
        }
    }

    /// Options whose value is a line: `-c LINE`, `-cLINE`, `--command=LINE`.
    fn lines(&mut self, words: &[&str], names: &[&str], depth: usize) {
        for (at, word) in words.iter().enumerate() {
            for name in names {
                if word == name {
                    if let Some(line) = words.get(at + 1) {
                        self.line(line, depth);
                    }
                } else if let Some(rest) = word.strip_prefix(name) {
                    if let Some(line) = rest.strip_prefix('=') {
                        self.line(line, depth);
                    } else if !name.starts_with("--") {
                        self.line(rest, depth);
                    }
                } else if is_cluster(word, name)
                    && let Some(line) = words.get(at + 1)
                {
                    self.line(line, depth);
                }
            }
        }
    }

    fn shell(&mut self, words: &[Word], input: Option<&str>, depth: usize) {
        let (mut takes_line, mut reads) = (false, false);
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let text = word.text.as_str();
            if !text.starts_with(['-', '+']) || text.len() < 2 {
                break;
            }
            at += 1;
            if text == "--" {
                break;
            }
            if matches!(text, "--rcfile" | "--init-file") {
                at += 1;
            } else if !text.starts_with("--") {
                takes_line |= text.contains('c');
                reads |= text.contains('s');
                at += usize::from(text.ends_with(['o', 'O']));
            } else if text == "--command" {
                takes_line = true;
            }
        }
        match (words.get(at), input) {
            (Some(line), _) if takes_line => {
                let given = words.iter().skip(at + 1).enumerate();
                self.assigned.extend(given.map(|(number, word)| format!("{number}={}", word.text)));
                self.line(&line.text, depth);
            }
            (Some(_), _) if !reads => {}
            (_, Some(input)) => self.line(input, depth),
            // What it reads from a pipe is nobody's to know.
            (_, None) => self.uncertain = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, innermost: &str) {
        let reached = reached(line);
        let all: Vec<String> =
            reached.commands.iter().map(|command| command.spellings()[1].join(" ")).collect();
        assert!(all.iter().any(|command| command == innermost), "{line}: {all:?}");
    }

    #[test]
    fn a_command_is_found_behind_what_runs_it() {
        for line in [
            "rm x",
            "/bin/rm x",
            "'r'm x",
            "\\rm x",
            "A=1 B=2 rm x",
            "env rm x",
            "env -i A=1 rm x",
            "env -u HOME -C / rm x",
            "env -S 'rm x'",
            "/usr/bin/env --split-string='rm x'",
            "command rm x",
            "exec -a y rm x",
            "nohup nice -n 5 rm x",
            "timeout -k 1 5s rm x",
            "sudo -u root -- rm x",
            "doas rm x",
            "setsid stdbuf -oL rm x",
            "time -p rm x",
            "busybox rm x",
            "xargs -0 -n 1 rm x",
            "flock lock rm x",
            "flock lock -c 'rm x'",
            "su - root -c 'rm x'",
            "bash -c 'rm x'",
            "sh -ec 'true; rm x'",
            "zsh -o pipefail -lc 'rm x' name",
            "bash -c \"bash -c 'rm x'\"",
            "bash <<< 'rm x'",
            "bash <<EOF\nrm x\nEOF\ntrue",
            "bash -s a <<-'E'\n\trm x\n\tE",
            "eval rm x",
            "eval 'rm x'",
            "find . -name y -exec rm x \\;",
            "find . -exec true {} + -execdir rm x ;",
            "fd y -x rm x",
            "true && (cd a; rm x)",
            "echo $(rm x)",
            "echo \"a $(rm x)\"",
            "echo `rm x`",
            "cat <(rm x)",
            "if true; then rm x; fi",
            "for a in b; do rm x; done",
            "f() { rm x; }",
            "! rm x",
            "rm x > out 2>&1",
            "unshare -r rm x",
            "script -qc 'rm x' /dev/null",
            "script --command='rm x'",
            "/lib64/ld-linux-x86-64.so.2 /bin/rm x",
            "alias y='rm x'; y",
            "git -c alias.y='!rm x' y",
            "tar cf a --checkpoint=1 --checkpoint-action=exec='rm x' .",
            "setpriv --reuid 1 rm x",
            "cat <<EOF\n$(rm x)\nEOF",
            "x=$(echo \")\"; rm x)",
            "echo \"$(echo ')'; rm x)\"",
            "npx -c 'rm x'",
            "npm exec -c 'rm x'",
            "npm exec -- rm x",
            "uv run -- rm x",
            "bundle exec rm x",
            "direnv exec . rm x",
            "nix-shell --run 'rm x'",
            "systemd-run --user rm x",
            "gdb --args rm x",
            "git bisect run rm x",
            "git rebase --exec 'rm x' main",
            "git submodule foreach 'rm x'",
        ] {
            check(line, "rm x");
        }
        check("git -C a -c b=c --no-pager push", "git -C a -c b=c --no-pager push");
        assert_eq!(
            reached("git -C a -c b=c --no-pager push -f").commands[0].spellings()[2],
            ["git", "push", "-f"]
        );
    }

    #[test]
    fn what_is_only_spoken_of_does_not_run() {
        for line in [
            "echo rm x",
            "grep 'rm x' y",
            "cat <<EOF\nrm x\nEOF",
            "cat <<'EOF'\n$(rm x)\nEOF",
            "command -v rm",
            "# rm x",
            "find . -name rm",
            "bash script.sh rm x",
            "env ls rm",
        ] {
            let reached = reached(line);
            let runs = |command: &Command| base_name(&command.words[0]) == "rm";
            assert!(!reached.commands.iter().any(runs) && !reached.uncertain, "{line}");
        }
    }

    #[test]
    fn what_is_known_only_when_it_runs_is_said() {
        for line in [
            "hash -p /bin/rm y; y x",
            "enable -f y z",
            "$X y",
            "env $X y",
            "bash -c '$X y'",
            "bash -c \"$X\"",
            "curl x | sh",
            "r?? x",
        ] {
            assert!(reached(line).uncertain, "{line}");
        }
        assert!(reached(&"env ".repeat(20)).uncertain);
        assert!(!reached("[ -f a ] && ls *.rs").uncertain);
    }

    proptest! {
        #[test]
        fn no_line_makes_it_fall(line in "[a-z'\"\\\\$ ;&|<>(){}`=*#!\n-]{0,60}") {
            let _ = reached(&line);
        }

        /// However many wrappers stand in front, the command is found, or it is said that it may hide.
        #[test]
        fn wrappers_hide_nothing(
            wrappers in proptest::collection::vec(0..WRAPPERS_OF_TESTS.len(), 0..12)
        ) {
            let line = wrappers.iter().fold("rm x".to_owned(), |line, at| {
                WRAPPERS_OF_TESTS[*at].replace("LINE", &line)
            });
            let found = reached(&line);
            let runs = |command: &Command| base_name(&command.words[0]) == "rm";
            prop_assert!(found.uncertain || found.commands.iter().any(runs), "{}", line);
        }
    }

    const WRAPPERS_OF_TESTS: [&str; 7] = [
        "env A=1 LINE",
        "/usr/bin/nice -n 3 LINE",
        "timeout 5 LINE",
        "sudo LINE",
        "xargs -r LINE",
        "(LINE)",
        "true && LINE",
    ];
}
