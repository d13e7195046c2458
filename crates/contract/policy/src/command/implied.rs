//! What a command changes without spelling it: settings of git and of this program, and all that is in a folder.

use super::reached::{Command, base_name};
use crate::path_pattern::matches;

/// The settings of this program, as a place of the workspace.
pub(super) const OWN_SETTINGS: &str = ".bottega";

/// Something that a command changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Implied {
    /// This file.
    File(&'static str),
    /// All that is in this folder.
    Whole(String),
}

/// Settings of git that start no program and lead nowhere, at their section's name or whole.
const HARMLESS: &[&str] = &[
    "branch.*",
    "color.*",
    "core.autocrlf",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.quotepath",
    "core.safecrlf",
    "fetch.prune",
    "init.defaultbranch",
    "merge.conflictstyle",
    "pull.ff",
    "pull.rebase",
    "push.autosetupremote",
    "push.default",
    "push.followtags",
    "rebase.*",
    "rerere.*",
    "user.email",
    "user.name",
];

/// Words that ask `git config` for something.
const ASKING: &[&str] =
    &["get", "list", "get-regexp", "get-urlmatch", "get-color", "get-colorbool"];

/// What this program's own commands change of what it may do.
const OWN: &[(&str, &[&str])] = &[
    ("config", &["set", "trust"]),
    ("secret", &["set", "rm"]),
    ("tool", &["add", "rm"]),
    ("grants", &["revoke"]),
];

/// Names in a protected place that a filter of `find` may be about.
const INNER: &[&str] = &[".git", ".bottega", "config", "HEAD", "index", "hooks", "pre-commit"];

/// Programs that change all that is in a folder they are given, with one of these options: spelled out, or as a letter.
const RECURSIVE: &[(&str, &[char], &[&str])] = &[
    ("rm", &['r', 'R'], &["--recursive"]),
    ("chmod", &['R'], &["--recursive"]),
    ("chown", &['R'], &["--recursive"]),
    ("chgrp", &['R'], &["--recursive"]),
    ("rsync", &[], &["--delete", "--del", "--delete-after", "--delete-during", "--delete-before"]),
];

/// What `command` changes beside what it names. `piped` says whether its output may tell another one what to change.
pub(super) fn implied(command: &Command, piped: bool) -> Vec<Implied> {
    let [words, _, bare] = command.spellings();
    let Some((program, words)) = words.split_first() else { return Vec::new() };
    match base_name(program) {
        "git" => of_git(&bare[1..]).into_iter().collect(),
        "bottega" => {
            let mut named = bare[1..].iter().filter(|word| !word.starts_with('-'));
            let (Some(command), Some(deed)) = (named.next(), named.next()) else {
                return Vec::new();
            };
            let changes = OWN.iter().any(|(own, deeds)| own == command && deeds.contains(deed));
            changes.then_some(Implied::File(OWN_SETTINGS)).into_iter().collect()
        }
        "find" if changes_what_it_finds(words, piped) && may_find_inner(words) => {
            let is_start = |word: &&&str| !word.starts_with(['-', '(', '!']);
            folders_or_here(words.iter().take_while(is_start))
        }
        "grep" | "egrep" | "fgrep" if piped && short_or(words, &['r', 'R'], &["--recursive"]) => {
            let filtered = words.iter().any(|word| {
                word.starts_with("--include=")
                    || word.strip_prefix("--exclude-dir=").is_some_and(|dir| dir.contains(".git"))
            });
            let gives_pattern = words.iter().any(|word| word.starts_with("-e"));
            let named = words.iter().filter(|word| !word.starts_with('-'));
            if filtered {
                return Vec::new();
            }
            folders_or_here(named.skip(usize::from(!gives_pattern)))
        }
        // What it lists may be everything.
        "ls" if piped && short_or(words, &['a', 'A'], &["--all", "--almost-all"]) => {
            folders_or_here(words.iter().filter(|word| !word.starts_with('-')))
        }
        "mv" => {
            let moved = words.iter().filter(|word| !word.starts_with('-'));
            moved.map(|word| Implied::Whole((*word).to_owned())).collect()
        }
        name => {
            let Some((_, letters, options)) =
                RECURSIVE.iter().find(|(program, ..)| *program == name)
            else {
                return Vec::new();
            };
            if !short_or(words, letters, options) {
                return Vec::new();
            }
            // In front stands what they become.
            let skipped = usize::from(name.starts_with("ch"));
            let folders = words.iter().filter(|word| !word.starts_with('-')).skip(skipped);
            let folders = folders.map(|word| Implied::Whole((*word).to_owned()));
            // What it copies from stays.
            if name == "rsync" { folders.last().into_iter().collect() } else { folders.collect() }
        }
    }
}

/// All that is in these folders, or in the one that is worked in where none is named.
fn folders_or_here<'w>(named: impl Iterator<Item = &'w &'w str>) -> Vec<Implied> {
    let mut folders: Vec<Implied> = named.map(|at| Implied::Whole((*at).to_owned())).collect();
    if folders.is_empty() {
        folders.push(Implied::Whole(".".to_owned()));
    }
    folders
}

/// Whether one of the options is there, spelled out or as a letter.
fn short_or(words: &[&str], letters: &[char], options: &[&str]) -> bool {
    let short =
        |word: &str| word.starts_with('-') && !word.starts_with("--") && word.contains(letters);
    words.iter().any(|word| options.contains(word) || short(word))
}

/// What `git` changes beside files that it tracks.
fn of_git(words: &[&str]) -> Option<Implied> {
    let (sub, rest) = words.split_first()?;
    let own = || Implied::Whole(OWN_SETTINGS.to_owned());
    match *sub {
        "config" => git_settings(rest).map(Implied::File),
        "init" => {
            let from = |word: &&str| {
                word.starts_with("--template") || word.starts_with("--separate-git-dir")
            };
            rest.iter().any(from).then_some(Implied::File(".git/config"))
        }
        // What nobody tracks is taken away.
        "clean" => {
            let named = rest.iter().any(|word| !word.starts_with('-'));
            let tries = short_or(rest, &['n'], &["--dry-run"]);
            let folders = short_or(rest, &['d', 'x', 'X'], &[]);
            (folders && !named && !tries).then(own)
        }
        "stash" => short_or(rest, &['a', 'u'], &["--all", "--include-untracked"]).then(own),
        _ => None,
    }
}

/// Whether `find` has what it finds changed, by itself or by others.
fn changes_what_it_finds(words: &[&str], piped: bool) -> bool {
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        match *word {
            "-delete" => return true,
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let program = words.peek().map_or("", |program| base_name(program));
                if !super::named::only_reads(program) {
                    return true;
                }
            }
            _ => {}
        }
    }
    piped
}

/// Whether a filter leaves anything in that protected places are made of. Filters that take `.git` out are believed.
fn may_find_inner(words: &[&str]) -> bool {
    let mut before = "";
    let (mut named, mut inner, mut left_out) = (false, false, false);
    for (at, word) in words.iter().enumerate() {
        if matches!(before, "-name" | "-iname") {
            named = true;
            inner |= INNER.iter().any(|name| matches(word, name));
        }
        if matches!(before, "-regex" | "-iregex") {
            named = true;
            inner |= word.contains(".git") || word.ends_with(".*");
        }
        if matches!(before, "-path" | "-ipath" | "-wholename") && word.contains(".git") {
            let negated = at.checked_sub(2).is_some_and(|at| matches!(words[at], "-not" | "!"));
            left_out |= negated || words.contains(&"-prune");
        }
        before = word;
    }
    !left_out && (!named || inner)
}

/// The file that `git config` changes, if it sets what is not harmless.
fn git_settings(rest: &[&str]) -> Option<&'static str> {
    let option = |name: &str| rest.contains(&name);
    let asks = rest.iter().any(|word| {
        ASKING.contains(word) && rest.first() == Some(word)
            || word.strip_prefix("--").is_some_and(|word| ASKING.contains(&word))
            || *word == "-l"
    });
    let edits = option("-e") || option("--edit") || rest.first() == Some(&"edit");
    let mut words = rest.iter().filter(|word| !word.starts_with('-'));
    let first = words.next();
    let verb = first.is_some_and(|word| {
        matches!(*word, "set" | "unset" | "rename-section" | "remove-section" | "edit")
    });
    let key = if verb { words.next() } else { first };
    let changes = edits
        || verb
        || words.next().is_some()
        || rest.iter().any(|word| {
            ["--unset", "--add", "--replace-all", "--rename-section", "--remove-section"]
                .iter()
                .any(|option| word.starts_with(option))
        });
    let harmless = !edits
        && key.is_some_and(|key| {
            let key = key.to_ascii_lowercase();
            HARMLESS.iter().any(|harmless| match harmless.strip_suffix('*') {
                Some(section) => key.starts_with(section),
                None => *harmless == key,
            })
        });
    if asks || !changes || harmless {
        return None;
    }
    let elsewhere = option("--global") || option("--system");
    Some(if elsewhere { "~/.gitconfig" } else { ".git/config" })
}
