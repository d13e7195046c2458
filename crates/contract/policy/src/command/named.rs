//! The paths that a command line names.

use super::is_assignment;
use super::reached::{Command, base_name, reached};

/// Paths of one line at most.
const MOST: usize = 512;
/// Folders at most from which a relative path may start.
const MOST_FOLDERS: usize = 4;

/// A path that a command line names, as far as its words tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// The path as it may be meant: relative to the workspace, absolute, or below `~/`.
    pub path: String,
    /// Whether what it leads to may be read.
    pub read: bool,
    /// Whether what it leads to may be changed.
    pub written: bool,
}

/// Programs that only read the files they are given.
const READERS: &[&str] = &[
    ".",
    "[",
    "bat",
    "cat",
    "cd",
    "cmp",
    "cut",
    "diff",
    "du",
    "egrep",
    "fgrep",
    "file",
    "grep",
    "head",
    "hexdump",
    "jq",
    "less",
    "ls",
    "md5sum",
    "more",
    "nl",
    "od",
    "pushd",
    "readlink",
    "realpath",
    "rg",
    "sha256sum",
    "source",
    "stat",
    "strings",
    "tac",
    "tail",
    "test",
    "tree",
    "wc",
    "xxd",
];

/// Programs whose words are text and no files.
const SPEAKERS: &[&str] = &["echo", "printf", "true", "false", ":", "export", "exit", "return"];

/// Programs whose first word that is no option is a pattern or a program, unless an option gives it.
const PATTERN_FIRST: &[(&str, &[&str])] = &[
    ("grep", &["-e", "-f", "--regexp", "--file"]),
    ("egrep", &["-e", "-f", "--regexp", "--file"]),
    ("fgrep", &["-e", "-f", "--regexp", "--file"]),
    ("rg", &["-e", "-f", "--regexp", "--file", "--files"]),
    ("ag", &[]),
    ("sed", &["-e", "-f", "--expression", "--file"]),
    ("jq", &["-f", "--from-file"]),
];

/// Programs whose words may be programs themselves, with paths in quotes.
const INTERPRETERS: &[&str] =
    &["awk", "gawk", "lua", "mawk", "node", "perl", "php", "python", "python2", "python3", "ruby"];

/// Options that leave out, or look for, what comes behind them; no file is opened by that name.
const SPOKEN_OF: &[&str] = &[
    "-iname",
    "-ipath",
    "-name",
    "-path",
    "-wholename",
    "--exclude",
    "--exclude-dir",
    "--glob",
    "--iglob",
    "--ignore",
    "--ignore-dir",
    "-g",
    "-m",
    "--message",
];

/// The paths that a command line names, its redirections included. What a glob, a variable or a program makes of its
/// words is not known here: `cat s*t` names nothing but `s*t`.
#[must_use]
pub fn named_paths(line: &str) -> Vec<NamedPath> {
    let reached = reached(line);
    let mut naming = Naming { folders: vec![String::new()], found: Vec::new() };
    for command in &reached.commands {
        naming.folder(command);
    }
    for (file, written) in &reached.files {
        naming.name(file, !written, *written);
    }
    for command in reached.commands.iter().filter(|command| !command.wraps) {
        naming.command(command);
    }
    naming.found
}

struct Naming {
    /// Where relative paths may start.
    folders: Vec<String>,
    found: Vec<NamedPath>,
}

impl Naming {
    /// Folders that the line goes to.
    fn folder(&mut self, command: &Command) {
        let mut words = command.words.iter();
        let program = words.next().map_or("", |program| base_name(program));
        let goes = matches!(program, "cd" | "pushd");
        let mut folder = if goes { words.find(|word| !word.starts_with('-')) } else { None };
        if !goes {
            folder = words.skip_while(|word| *word != "-C").nth(1);
        }
        if let Some(folder) = folder
            && self.folders.len() < MOST_FOLDERS
        {
            self.folders.push(home(folder));
        }
    }

    fn command(&mut self, command: &Command) {
        let Some((program, words)) = command.words.split_first() else { return };
        let name = base_name(program);
        if program.contains('/') {
            self.name(program, true, false);
        }
        if SPEAKERS.contains(&name) {
            return;
        }
        let written = !READERS.contains(&name);
        let given = |options: &[&str]| {
            words.iter().any(|word| options.iter().any(|option| word.starts_with(option)))
        };
        let mut pattern =
            PATTERN_FIRST.iter().any(|(program, options)| *program == name && !given(options));
        let mut before = "";
        for word in words {
            let spoken_of = SPOKEN_OF.contains(&before)
                || (word.starts_with("--exclude") || word.starts_with("--ignore"));
            before = word;
            if spoken_of {
                continue;
            }
            if pattern && !word.starts_with('-') {
                pattern = false;
                continue;
            }
            if INTERPRETERS.contains(&name) {
                let ends = |char: char| char.is_whitespace() || "'\"`()[]{},;<>|&".contains(char);
                for part in word.split(ends) {
                    self.name(part, true, true);
                }
            }
            self.name(word, true, written);
        }
    }

    /// A word may be a path, or have one behind `=`, `:` or `@`.
    fn name(&mut self, word: &str, read: bool, written: bool) {
        let behind = word.match_indices(['=', ':', '@']).map(|(at, _)| &word[at + 1..]);
        let whole = Some(word).filter(|word| !word.starts_with('-') && !is_assignment(word));
        for path in whole.into_iter().chain(behind) {
            let path = home(path);
            if path.is_empty() || path.contains('\0') {
                continue;
            }
            let starts = self.folders.clone();
            let absolute = path.starts_with('/') || path.starts_with("~/");
            for folder in starts.iter().take(if absolute { 1 } else { MOST_FOLDERS }) {
                let path = match folder.as_str() {
                    "" => path.clone(),
                    folder => format!("{folder}/{path}"),
                };
                self.add(NamedPath { path, read, written });
            }
        }
    }

    fn add(&mut self, named: NamedPath) {
        if let Some(found) = self.found.iter_mut().find(|found| found.path == named.path) {
            found.read |= named.read;
            found.written |= named.written;
        } else if self.found.len() < MOST {
            self.found.push(named);
        }
    }
}

/// The home and the working folder, where a word begins with their variables.
fn home(path: &str) -> String {
    for (variable, meant) in [("$HOME/", "~/"), ("$PWD/", "")] {
        if let Some(rest) = path.strip_prefix(variable) {
            return format!("{meant}{rest}");
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, path: &str, expected: &str) {
        let named = named_paths(line);
        let told = named.iter().find(|named| named.path == path).map_or("", |named| {
            match (named.read, named.written) {
                (true, true) => "rw",
                (true, false) => "r",
                (false, true) => "w",
                (false, false) => "?",
            }
        });
        assert_eq!(told, expected, "{line}: {named:?}");
    }

    #[test]
    fn words_and_redirections_name_paths() {
        check("cat a/b", "a/b", "r");
        check("echo x > a/b", "a/b", "w");
        check("make <a/b 2>>c", "a/b", "r");
        check("make <a/b 2>>c", "c", "w");
        check("sed -i s/x/y/ a/b", "a/b", "rw");
        check("dd if=/dev/zero of=a/b", "a/b", "rw");
        check("tool --output=a/b", "a/b", "rw");
        check("git show HEAD:a/b", "a/b", "rw");
        check("curl -d @a/b example.org", "a/b", "rw");
        check("cat $HOME/a ${HOME}/b", "~/a", "r");
        check("cat $HOME/a ${HOME}/b", "~/b", "r");
        check("cd a && cat b", "a/b", "r");
        check("cd a && cat b", "b", "r");
        check("bash -c 'cat a/b'", "a/b", "r");
        check("sudo tee a/b", "a/b", "rw");
        check("python3 -c \"open('a/b').read()\"", "a/b", "rw");
        check("grep -e x a/b", "a/b", "r");
        check("rm $(cat a/b)", "a/b", "r");
        check("./a/b x", "./a/b", "r");
    }

    #[test]
    fn what_is_only_spoken_of_is_not_named() {
        check("echo a/b", "a/b", "");
        check("grep a/b c", "a/b", "");
        check("grep -r x --exclude-dir=.git .", ".git", "");
        check("find . -path ./.git -prune", "./.git", "");
        check("git commit -m .env", ".env", "");
    }
}
