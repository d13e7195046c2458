//! The paths that a command line names.

use super::expansion::{alternatives, perhaps, put_values};
use super::implied::{Implied, implied};
use super::is_assignment;
use super::reached::{Command, INTERPRETERS, base_name, reached};

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
    /// Whether all that is in the folder that it leads to may be changed with it.
    pub whole: bool,
    /// Whether a glob may mean it, if it is there.
    pub maybe: bool,
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

/// Programs that look at files and not into them.
const LOOKERS: &[&str] =
    &["[", "[[", "basename", "dirname", "du", "ls", "readlink", "realpath", "stat", "test", "tree"];

/// Programs that write what they are given last.
const INTO_LAST: &[&str] = &["cp", "install", "ln", "mv", "rsync", "scp"];

/// Editors whose words may be commands that name files.
const EDITORS: &[&str] = &["ed", "emacs", "ex", "nvim", "vi", "vim"];

/// Programs of which `-x` leaves something out.
const LEAVING_OUT: &[&str] = &["7z", "rar", "zip"];

/// Whether a program only reads the files it is given, or takes none.
pub(super) fn only_reads(program: &str) -> bool {
    READERS.contains(&program) || SPEAKERS.contains(&program)
}

/// The paths that a command line names, its redirections included, and those that its programs change without naming
/// them, as far as that is known of them. A variable is known when the line itself sets it; of a glob it is known whether it
/// may be a place that is protected everywhere. What a program does beside that is not known: `sh script` names nothing but `script`.
#[must_use]
pub fn named_paths(line: &str) -> Vec<NamedPath> {
    let mut reached = reached(line);
    let substitutes = line.contains('`') || ["$(", "<("].iter().any(|sign| line.contains(sign));
    let pipes = line.replace("||", "").contains('|');
    put_values(&mut reached);
    let feeds = reached.uncertain || reached.commands.iter().any(takes_words);
    let piped = pipes_names(&reached.commands, substitutes);
    let mut naming = Naming {
        folders: vec![String::new()],
        found: Vec::new(),
        speech_goes_on: substitutes || pipes && feeds,
        text_is_code: pipes && feeds,
        piped,
    };
    for command in &reached.commands {
        naming.folder(command);
    }
    for (file, written) in &reached.files {
        naming.name(file, !written, *written);
    }
    if reached.commands.iter().any(reads_words) {
        reached.inputs.iter().for_each(|input| naming.code(input));
    }
    for command in &reached.commands {
        if command.wraps {
            if let Some(input) = command.input.as_deref().filter(|_| reads_words(command)) {
                naming.code(input);
            }
            continue;
        }
        naming.command(command);
        for implied in implied(command, piped) {
            naming.implied(implied);
        }
    }
    naming.found
}

/// Whether a command takes what it reads for words or for a program.
fn takes_words(command: &Command) -> bool {
    let program = command.words.first().map_or("", |word| base_name(word));
    reads_words(command)
        || INTERPRETERS.contains(&program)
        || matches!(program, "sh" | "bash" | "dash" | "zsh" | "ksh")
}

/// Whether it hands on what it reads as words.
fn reads_words(command: &Command) -> bool {
    let program = command.words.first().map_or("", |word| base_name(word));
    matches!(program, "xargs" | "gxargs" | "parallel" | "read" | "mapfile" | "readarray")
}

/// Whether one command of a line tells another one which files to change: by `xargs` and its kin, by `read`, or in a
/// substitution.
fn pipes_names(commands: &[Command], substitutes: bool) -> bool {
    let program = |command: &Command| command.words.first().map(|word| base_name(word).to_owned());
    let programs: Vec<String> = commands.iter().filter_map(program).collect();
    let reads = substitutes || programs.iter().any(|program| program == "read");
    let changes = |program: &String| {
        !only_reads(program) && !["read", "find", "for"].contains(&program.as_str())
    };
    programs.iter().zip(programs.iter().skip(1)).any(|(program, next)| {
        matches!(program.as_str(), "xargs" | "gxargs" | "parallel") && changes(next)
    }) || reads && programs.iter().any(changes)
}

struct Naming {
    /// Where relative paths may start.
    folders: Vec<String>,
    found: Vec<NamedPath>,
    /// Whether what `echo` and its kin say may become the words of another command.
    speech_goes_on: bool,
    /// Whether it may become a program.
    text_is_code: bool,
    /// Whether one command tells another one which files to change.
    piped: bool,
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
        if SPEAKERS.contains(&name) && !self.speech_goes_on {
            return;
        }
        if matches!(name, "cd" | "pushd") {
            // Folders that the line goes to are no place in which they lie themselves.
            for word in words {
                self.name_in("", word, false, false);
            }
            return;
        }
        let git = if name == "git" { looks_of_git(command) } else { None };
        // What `find` changes is what it finds.
        let written = match git {
            Some(_) => false,
            None => !READERS.contains(&name) && !LOOKERS.contains(&name) && name != "find",
        };
        let read = match git {
            Some(reads) => reads,
            None => !LOOKERS.contains(&name),
        };
        // What they list may be what another command is told to change.
        let listed = self.piped && LOOKERS.contains(&name);
        let (read, written) = (read || listed, written || listed);
        let given = |options: &[&str]| {
            words.iter().any(|word| options.iter().any(|option| word.starts_with(option)))
        };
        let takes_code = INTERPRETERS.contains(&name) || EDITORS.contains(&name);
        let mut pattern =
            PATTERN_FIRST.iter().any(|(program, options)| *program == name && !given(options));
        let mut before = "";
        for word in words {
            let spoken_of = SPOKEN_OF.contains(&before)
                || (before == "-x" && LEAVING_OUT.contains(&name))
                || (word.starts_with("--exclude") || word.starts_with("--ignore"));
            before = word;
            if spoken_of {
                continue;
            }
            if pattern && !word.starts_with('-') {
                pattern = false;
                if name == "sed" {
                    self.written_by_sed(word);
                }
                continue;
            }
            if takes_code || self.text_is_code && SPEAKERS.contains(&name) {
                self.code(word);
            }
            let read = read && !(INTO_LAST.contains(&name) && Some(word) == words.last());
            // Settings of a build, which names what it makes of them.
            if name == "make" && is_assignment(word) {
                continue;
            }
            self.name(word, read, written);
        }
        if let Some(input) = &command.input
            && (takes_code || self.text_is_code)
        {
            self.code(input);
        }
    }

    /// The files that a program of `sed` writes: behind its command or its flag `w`.
    fn written_by_sed(&mut self, program: &str) {
        for (at, _) in program.match_indices("w ") {
            let before = program[..at].chars().next_back();
            if before.is_none_or(|char| !char.is_alphanumeric() || "gpI0123456789".contains(char)) {
                let file = program[at + 2..].split(['\n', ';', '}']).next().unwrap_or_default();
                self.name(file.trim(), false, true);
            }
        }
    }

    /// Names what may be a path in a program of another language.
    fn code(&mut self, code: &str) {
        let ends = |char: char| char.is_whitespace() || "'\"`()[]{},;<>|&".contains(char);
        for part in code.split(ends) {
            self.name(part, true, true);
        }
    }

    /// What a command changes without naming it.
    fn implied(&mut self, implied: Implied) {
        match implied {
            Implied::File(file) => self.name(file, false, true),
            Implied::Whole(folder) => {
                let folder = home(&folder);
                for start in self.folders.clone() {
                    let path = joined(&start, &folder);
                    self.add(NamedPath {
                        path,
                        read: false,
                        written: true,
                        whole: true,
                        maybe: false,
                    });
                }
            }
        }
    }

    /// A word may be a path, or have one behind `=`, `:` or `@`.
    fn name(&mut self, word: &str, read: bool, written: bool) {
        for word in alternatives(word) {
            for (at, folder) in self.folders.clone().iter().enumerate() {
                // What leads out of the folder that the line goes to is not meant from where it began.
                let leads_out = home(&word).starts_with("..");
                if !(at == 0 && leads_out && self.folders.len() > 1) {
                    self.name_in(folder, &word, read, written);
                }
            }
        }
    }

    fn name_in(&mut self, folder: &str, word: &str, read: bool, written: bool) {
        // An address is no path, but for those of files.
        let word = word.strip_prefix("file://").unwrap_or(word);
        if word.contains("://") {
            return;
        }
        // The value of an option that has one letter: `-o.git/config`.
        let attached = word.strip_prefix('-').filter(|word| !word.starts_with('-'));
        let attached = attached.and_then(|word| word.find("./").or_else(|| word.find(".git")));
        if let Some(at) = attached.filter(|at| *at > 0) {
            self.add(NamedPath {
                path: joined(folder, &word[at + 1..]),
                read,
                written,
                whole: false,
                maybe: false,
            });
        }
        // A variable's other value is one: `${a:-b}`.
        let behind = word.match_indices(['=', ':', '@']);
        let behind = behind.map(|(at, _)| word[at + 1..].trim_start_matches(['-', '=']));
        let whole = Some(word).filter(|word| !word.starts_with('-') && !is_assignment(word));
        for path in whole.into_iter().chain(behind) {
            let path = home(path);
            if path.is_empty() || path.contains('\0') {
                continue;
            }
            for meant in perhaps(&path) {
                let path = joined(folder, &meant);
                self.add(NamedPath { path, read, written, whole: false, maybe: true });
            }
            let path = joined(folder, &path);
            self.add(NamedPath { path, read, written, whole: false, maybe: false });
        }
    }

    fn add(&mut self, named: NamedPath) {
        if let Some(found) = self.found.iter_mut().find(|found| found.path == named.path) {
            found.read |= named.read;
            found.written |= named.written;
            found.whole |= named.whole;
            found.maybe &= named.maybe;
        } else if self.found.len() < MOST {
            self.found.push(named);
        }
    }
}

fn joined(folder: &str, path: &str) -> String {
    if folder.is_empty() || path.starts_with('/') || path.starts_with("~/") {
        return path.to_owned();
    }
    format!("{folder}/{path}")
}

/// Whether what a command of git is told is read, where it changes none of it; nothing where it may.
fn looks_of_git(command: &Command) -> Option<bool> {
    const NAMES: &[&str] = &[
        "branch",
        "check-ignore",
        "describe",
        "log",
        "ls-files",
        "remote",
        "rev-parse",
        "shortlog",
        "status",
        "tag",
    ];
    const CONTENTS: &[&str] = &["blame", "cat-file", "diff", "grep", "show"];
    let bare = &command.spellings()[2];
    let verb = bare.get(1)?;
    // What is not to be tracked any more stays where it is.
    let untracked = *verb == "rm" && bare.contains(&"--cached");
    if NAMES.contains(verb) || untracked {
        return Some(false);
    }
    CONTENTS.contains(verb).then_some(true)
}

/// The home and the working folder, where a word begins with their variables. Where another command says which folder
/// it is, it is most often the one that is worked in.
fn home(path: &str) -> String {
    for (variable, meant) in [("$HOME/", "~/"), ("$PWD/", ""), ("~+/", ""), ("$()/", "")] {
        if let Some(rest) = path.strip_prefix(variable) {
            return format!("{meant}{rest}");
        }
    }
    match path {
        "~" | "$HOME" => "~/".to_owned(),
        "$PWD" | "$()" | "~+" => ".".to_owned(),
        path => path.to_owned(),
    }
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
        check("git show HEAD:a/b", "a/b", "r");
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
        check("cd a && echo x > b", "a/a", "");
    }

    #[test]
    fn what_the_line_itself_makes_of_its_words_is_known() {
        check("d=.git; echo x > $d/hooks/a", ".git/hooks/a", "w");
        check("d=.git/; echo x > ${d}hooks/a", ".git/hooks/a", "w");
        check("x=.git/config; echo > \"$x\"", ".git/config", "w");
        check("export x=.git y=$x/config; cat $y", ".git/config", "r");
        check("x=$x; cat $x", "$x", "r");
        check("printf x > $(echo .git/config)", ".git/config", "rw");
        check("echo .git/config | xargs truncate -s0", ".git/config", "rw");
        check("echo .git/config; ls | wc", ".git/config", "");
        check("rm -rf .g*", ".git", "rw");
        check("rm -rf ./.[fg]it/hooks", "./.git/hooks", "rw");
        check("rm -rf *", ".git", "");
        check("python3 <<'EOF'\nopen('a/b', 'w')\nEOF", "a/b", "rw");
        check("cat <<EOF | python3\nopen('a/b', 'w')\nEOF", "a/b", "rw");
        check("echo 'echo x > a/b' | sh", "a/b", "rw");
        check("vim -es -c 'w! a/b'", "a/b", "rw");
        check("read d <<< a; echo x > $d/b", "a/b", "w");
        check("d=a; d+=/b; cat $d", "a/b", "r");
        check("echo x > ${d:-a/b}", "a/b", "w");
        check("cat <<EOF > x\na/b\nEOF", "a/b", "");
        check("ls a/b; test -f a/b; [[ -e a/b ]]", "a/b", "?");
        check("ls -d a/b | xargs rm", "a/b", "rw");
        check("rm -rf $'.\\x67it'", ".git", "rw");
        check("rm -rf $\".git\"", ".git", "rw");
        check("rm -rf {.git,x}", ".git", "rw");
        check("rm -rf .g{it,at}/hooks", ".git/hooks", "rw");
        check("cat .en?", ".env", "r");
        check("rm -rf \"$(pwd)/.git\"", ".git", "rw");
        check("rm -rf `pwd`/.git", ".git", "rw");
        check("rm -rf ~+/.git", ".git", "rw");
        check("bash -c 'rm \"$1\"' _ .git", ".git", "rw");
        check("xargs rm -rf <<< .git", ".git", "rw");
        check("while read d; do rm $d; done <<< .git", ".git", "rw");
        check("d=.git; rm ${d%/}/config", ".git/config", "rw");
        check("sed -n 'w .git/config' a", ".git/config", "w");
        check("sed 's/x/y/w .git/config' a", ".git/config", "w");
        check("sed 's/how are/x/' a", "are/x/", "");
        check("curl -so.git/config b", ".git/config", "rw");
        check("cp a b", "a", "rw");
        check("cp a b", "b", "w");
        check("cd a && cat ../b", "../b", "");
        check("cd a && cat ../b", "a/../b", "r");
        check("zip -r a.zip . -x '.git/*'", ".git/*", "");
        check("curl http://a/b file:///c/d", "//a/b", "");
        check("curl http://a/b file:///c/d", "/c/d", "rw");
    }

    #[test]
    fn settings_that_are_changed_without_their_name_are_named() {
        for line in [
            "git config core.fsmonitor 'sh x'",
            "git config --add core.hooksPath x",
            "git config set alias.x '!rm'",
            "git config --unset core.editor",
            "git -c a.b=c config core.pager x",
            "git config -e",
        ] {
            check(line, ".git/config", "w");
        }
        for line in [
            "git config user.name me",
            "git config core.editor",
            "git config --get core.hooksPath x",
            "git config -l",
            "git config get core.editor",
            "git commit -m config",
        ] {
            check(line, ".git/config", "");
        }
        check("git -C a config core.editor x", "a/.git/config", "w");
        check("git config --global core.editor x", "~/.gitconfig", "w");
        check("git init --template=/x", ".git/config", "w");
        check("git init", ".git/config", "");
        check("bottega config set access.mode full", ".bottega", "w");
        check("/usr/bin/bottega --quiet config trust", ".bottega", "w");
        check("bottega config get access.mode", ".bottega", "");
        check("bottega run x", ".bottega", "");
    }

    #[track_caller]
    fn check_whole(line: &str, folder: &str, expected: bool) {
        let named = named_paths(line);
        let whole = named.iter().any(|named| named.whole && named.path == folder);
        assert_eq!(whole, expected, "{line}: {named:?}");
    }

    #[test]
    fn a_folder_may_be_changed_with_all_that_is_in_it() {
        check_whole("find . -delete", ".", true);
        check_whole("find -type f -delete", ".", true);
        check_whole("find a . -name '.g*' -exec rm -r {} +", ".", true);
        check_whole("find . -type f | xargs sed -i s/a/b/", ".", true);
        check_whole("find . -type f | while read f; do mv $f x; done", ".", true);
        check_whole("rm -rf ../w", "../w", true);
        check_whole("cd a && rm -fr .", "a/.", true);
        check_whole("rm --recursive ~", "~/", true);
        check_whole("chmod -R 700 $PWD", ".", true);
        check_whole("mv . /tmp", ".", true);
        check_whole("grep -rl x . | xargs sed -i s/x/y/", ".", true);
        check_whole("grep -rlZ x | xargs -0 sed -i s/x/y/", ".", true);
        check_whole("sed -i s/x/y/ $(grep -rl x .)", ".", true);
        check_whole("for f in $(find . -type f); do sed -i s/x/y/ $f; done", ".", true);
        check_whole("git clean -fdx", ".bottega", true);
        check_whole("git stash -u -a", ".bottega", true);

        check_whole("find . -name '*.pyc' -delete", ".", false);
        check_whole("find . -not -path './.git/*' -delete", ".", false);
        check_whole("find . -path ./.git -prune -o -delete", ".", false);
        check_whole("find . -name .git -prune -exec grep x {} +", ".", false);
        check_whole("find . -type f | xargs grep x", ".", false);
        check_whole("find . -type f | wc -l", ".", false);
        check_whole("rm -f a", "a", false);
        check_whole("grep -rl x src | xargs sed -i s/x/y/", ".", false);
        check_whole("grep -rl --exclude-dir=.git x . | xargs sed -i s/x/y/", ".", false);
        check_whole("grep -rl --include=*.rs x . | xargs sed -i s/x/y/", ".", false);
        check_whole("grep -rn x . | head", ".", false);
        check_whole("echo $(grep -rc x .)", ".", false);
        check_whole("git clean -fd", ".bottega", true);
        check_whole("git clean -fdX build", ".bottega", false);
        check_whole("git clean -ndx", ".bottega", false);
        check_whole("git stash", ".bottega", false);
        check_whole("chown -R $(id -u) src", ".", false);
        check_whole("chown -R me .", ".", true);
        check_whole("rsync -a --delete . ../b", ".", false);
        check_whole("rsync -a --delete ../b/ .", ".", true);
        check_whole("find . -regex '.*\\.txt' -delete", ".", false);
        check_whole("ls -A | xargs rm -rf", ".", true);
        check_whole("ls | xargs rm", ".", false);
    }

    #[test]
    fn what_is_only_spoken_of_is_not_named() {
        check("echo a/b", "a/b", "");
        check("grep a/b c", "a/b", "");
        check("grep -r x --exclude-dir=.git .", ".git", "");
        check("find . -path ./.git -prune", "./.git", "");
        check("git commit -m .env", ".env", "");
        check("git log -- .env; git check-ignore .env; git rm --cached .env", ".env", "?");
        check("git diff .env", ".env", "r");
        check("grep -q x a || echo .env >> .gitignore", ".env", "");
        check("git commit -m \"$(cat <<'EOF'\nfix: .env handling\nEOF\n)\"", ".env", "");
        check("make VAR=.env x", ".env", "");
        check("cd ..", "..", "?");
    }
}
