//! What rules of the settings hold back of the files.

use std::fs;
use std::path::{Path, PathBuf};

use bottega_policy::{PathPattern, Rule, Rules};
use bottega_tool::{Guarded, HeldBack, WorkspaceError};

use crate::resolve::below;

/// Files and folders that are looked at for one command.
const MOST_SEEN: usize = 250_000;
/// Files and folders that are kept from one command: each costs it a mount.
const MOST_KEPT: usize = 1_000;

/// What rules hold back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    /// What deny and ask rules say about reading.
    reading: Vec<PathPattern>,
    /// What deny and ask rules say about changing.
    changing: Vec<PathPattern>,
    /// What commands may not read.
    unreadable: Vec<PathPattern>,
    /// What commands may not change.
    unwritable: Vec<PathPattern>,
}

impl Guard {
    /// What these rules hold back, and places that are protected.
    pub(crate) fn new(rules: &Rules, protected: &[PathPattern]) -> Self {
        let both = || rules.deny.iter().chain(&rules.ask);
        let denied: Vec<PathPattern> = rules.deny.iter().filter_map(Rule::writing).collect();
        Self {
            reading: both().filter_map(Rule::reading).collect(),
            changing: both().filter_map(Rule::writing).collect(),
            unreadable: rules.deny.iter().filter_map(Rule::reading).collect(),
            unwritable: denied.into_iter().chain(protected.iter().cloned()).collect(),
        }
    }

    /// What is held back of a path as it is shown.
    pub(crate) fn of(&self, shown: &str) -> HeldBack {
        let any = |patterns: &[PathPattern]| patterns.iter().any(|pattern| pattern.holds(shown));
        HeldBack { reading: any(&self.reading), changing: any(&self.changing) }
    }

    /// Whether anything is ever kept from commands.
    pub(crate) fn keeps_anything(&self) -> bool {
        !self.unreadable.is_empty() || !self.unwritable.is_empty()
    }

    /// What is kept from a command in `root` that begins now.
    pub(crate) fn now(&self, root: &Path) -> Result<Guarded, WorkspaceError> {
        let mut search = Search { guard: self, root, seen: 0, found: Guarded::default() };
        let mut starts: Vec<&str> = Vec::new();
        for (patterns, what) in [(&self.unreadable, What::Read), (&self.unwritable, What::Change)] {
            for pattern in patterns {
                if pattern.is_literal() {
                    search.literal(pattern.as_str(), what)?;
                } else if pattern.holds_all_below("") && !pattern.as_str().starts_with('/') {
                    search.keep(root.to_owned(), what)?;
                } else if pattern.holds_all_below(pattern.base()) {
                    search.literal(pattern.base(), what)?;
                } else {
                    starts.push(pattern.base());
                }
            }
        }
        starts.sort_unstable();
        starts.dedup();
        let starts: Vec<&str> = starts
            .iter()
            .enumerate()
            .filter(|(at, start)| !starts[..*at].iter().any(|outer| is_below(start, outer)))
            .map(|(_, start)| *start)
            .collect();
        for start in starts {
            search.walk(start)?;
        }
        Ok(search.found)
    }
}

/// Whether a path is, or lies in, a folder; both relative to the workspace, or absolute.
fn is_below(path: &str, folder: &str) -> bool {
    (folder.is_empty() && !path.starts_with('/'))
        || Path::new(path).starts_with(folder) && !folder.is_empty()
}

/// What of a file is kept from commands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Read,
    Change,
}

struct Search<'a> {
    guard: &'a Guard,
    root: &'a Path,
    seen: usize,
    found: Guarded,
}

impl Search<'_> {
    fn keep(&mut self, path: PathBuf, what: What) -> Result<(), WorkspaceError> {
        if what == What::Read && self.root.starts_with(&path) {
            let why = "a deny rule keeps the whole workspace from being read".to_owned();
            return Err(WorkspaceError::Unguarded { why });
        }
        let kept = match what {
            What::Read => &mut self.found.unreadable,
            What::Change => &mut self.found.unwritable,
        };
        if !kept.contains(&path) {
            kept.push(path);
        }
        if self.found.unreadable.len() + self.found.unwritable.len() > MOST_KEPT {
            return Err(WorkspaceError::Unguarded {
                why: format!(
                    "deny rules and access.protected speak of more than {MOST_KEPT} files; name whole folders, as in `keys/**`"
                ),
            });
        }
        Ok(())
    }

    /// One path that is named, with what it leads to.
    fn literal(&mut self, path: &str, what: What) -> Result<(), WorkspaceError> {
        let path = self.root.join(if path == "." { "" } else { path });
        let real = path.canonicalize();
        match (what, real) {
            (What::Read, Ok(real)) => self.keep(real, what),
            // What is not there holds nothing to read.
            (What::Read, Err(_)) => Ok(()),
            (What::Change, real) => {
                let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
                let (Some(folder), Some(name)) = (folder, path.file_name()) else { return Ok(()) };
                if !folder.is_dir() {
                    return Ok(());
                }
                self.keep(folder.join(name), what)?;
                real.map_or(Ok(()), |real| self.keep(real, what))
            }
        }
    }

    /// Looks at all that is below a folder, relative to the workspace or absolute.
    fn walk(&mut self, start: &str) -> Result<(), WorkspaceError> {
        let mut folders = vec![(self.root.join(start), start.to_owned(), false)];
        while let Some((folder, name, frozen)) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                self.seen += 1;
                if self.seen > MOST_SEEN {
                    return Err(WorkspaceError::Unguarded {
                        why: format!(
                            "there are more than {MOST_SEEN} files to hold against deny rules and access.protected; begin their globs with a folder"
                        ),
                    });
                }
                let Ok(kind) = entry.file_type() else { continue };
                let part = entry.file_name().to_string_lossy().into_owned();
                let shown = match name.as_str() {
                    "" => part,
                    "/" => format!("/{part}"),
                    name => format!("{name}/{part}"),
                };
                let guard = self.guard;
                if kind.is_dir() {
                    let whole = |patterns: &[PathPattern]| {
                        patterns.iter().any(|pattern| pattern.holds_all_below(&shown))
                    };
                    if whole(&guard.unreadable) {
                        self.keep(entry.path(), What::Read)?;
                        continue;
                    }
                    let freezes = !frozen && whole(&guard.unwritable);
                    if freezes {
                        self.keep(entry.path(), What::Change)?;
                    }
                    if self.leads_on(&shown, frozen || freezes) {
                        folders.push((entry.path(), shown, frozen || freezes));
                    }
                    continue;
                }
                let holds =
                    |patterns: &[PathPattern]| patterns.iter().any(|pattern| pattern.holds(&shown));
                // What a link leads to is judged by its own path.
                if !kind.is_symlink() && holds(&guard.unreadable) {
                    self.keep(entry.path(), What::Read)?;
                } else if !frozen && holds(&guard.unwritable) {
                    self.keep(entry.path(), What::Change)?;
                }
            }
        }
        Ok(())
    }

    /// Whether anything in a folder may still be spoken of.
    fn leads_on(&self, folder: &str, frozen: bool) -> bool {
        let speaks = |pattern: &PathPattern| {
            let base = pattern.base();
            !pattern.is_literal() && (is_below(folder, base) || is_below(base, folder))
        };
        self.guard.unreadable.iter().any(speaks)
            || (!frozen && self.guard.unwritable.iter().any(speaks))
    }
}

/// The patterns of protected places: what a glob matches is protected with all that is in it. A literal path is so
/// anyway, and so is what it leads to.
pub(crate) fn protected(globs: &[String], root: &Path) -> Vec<PathPattern> {
    globs
        .iter()
        .map(|glob| inside(glob, root))
        .flat_map(|glob| {
            let pattern = PathPattern::new(&glob);
            let more = if pattern.is_literal() {
                linked(&pattern, root)
            } else {
                Some(PathPattern::new(&format!("{}/**", pattern.as_str())))
            };
            std::iter::once(pattern).chain(more)
        })
        .collect()
}

/// Rules with the paths that their links lead to, and with paths of the workspace written relative to it.
pub(crate) fn spelled_out(rules: &Rules, root: &Path) -> Rules {
    let both = |rules: &[Rule]| -> Vec<Rule> {
        rules
            .iter()
            .flat_map(|rule| {
                let Some((kind @ ("read" | "write"), glob)) = rule.0.split_once(':') else {
                    return vec![rule.clone()];
                };
                let pattern = PathPattern::new(&inside(glob.trim(), root));
                let linked = if pattern.is_literal() { linked(&pattern, root) } else { None };
                std::iter::once(pattern)
                    .chain(linked)
                    .map(|pattern| Rule(format!("{kind}:{}", pattern.as_str())))
                    .collect()
            })
            .collect()
    };
    Rules { deny: both(&rules.deny), ask: both(&rules.ask), ..rules.clone() }
}

/// A glob of the workspace, relative to it.
fn inside(glob: &str, root: &Path) -> String {
    let rest = root.to_str().and_then(|root| glob.strip_prefix(root));
    match rest.and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => rest.to_owned(),
        None if rest == Some("") => ".".to_owned(),
        None => glob.to_owned(),
    }
}

/// What a path leads to, where that is elsewhere.
fn linked(pattern: &PathPattern, root: &Path) -> Option<PathPattern> {
    let real = root.join(pattern.as_str()).canonicalize().ok()?;
    let real = PathPattern::new(&below(root, &real));
    (real != *pattern).then_some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each list reads `deny: … protected: …`; the answer is what commands may not read, then what they may not change.
    #[track_caller]
    fn check(deny: &[&str], protect: &[&str], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in ["keys/a", "keys/deep/b", "src/x.pem", "src/x.rs", "prod.yml", "infra/a/b"] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        std::os::unix::fs::symlink("prod.yml", root.join("link.yml")).unwrap();
        let rules = Rules {
            deny: deny
                .iter()
                .map(|rule| Rule((*rule).replace("ROOT", root.to_str().unwrap())))
                .collect(),
            ..Rules::default()
        };
        let globs: Vec<String> = protect.iter().map(|glob| (*glob).to_owned()).collect();
        let guard = Guard::new(&spelled_out(&rules, &root), &protected(&globs, &root));
        let told = match guard.now(&root) {
            Ok(Guarded { unreadable, unwritable }) => {
                let told = |paths: Vec<PathBuf>| {
                    let mut paths: Vec<String> =
                        paths.iter().map(|path| below(&root, path)).collect();
                    paths.sort();
                    paths.join(" ")
                };
                format!("{} | {}", told(unreadable), told(unwritable))
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(told.trim(), expected, "{deny:?} {protect:?}");
    }

    #[test]
    fn what_is_kept_from_commands_is_found() {
        check(&[], &[], "|");
        check(&["run:rm", "net:x"], &[], "|");
        check(&["read:prod.yml"], &[], "prod.yml |");
        check(&["read:ROOT/prod.yml"], &[], "prod.yml |");
        check(&["read:link.yml"], &[], "prod.yml |");
        check(&["read:nowhere"], &[], "|");
        check(&["read:keys"], &[], "keys |");
        check(&["read:keys/**"], &[], "keys |");
        check(&["read:keys/*"], &[], "keys/a |");
        check(&["read:**/*.pem", "write:src/*"], &[], "src/x.pem | src/x.rs");
        check(&["read:**/deep/**"], &[], "keys/deep |");
        check(&["write:**"], &[], "| .");
        check(&[], &["*.yml", "infra/*"], "| infra/a link.yml prod.yml");
        check(&[], &["link.yml", "src"], "| link.yml prod.yml src");
        // What is not there yet can't be made.
        check(&["write:src/new", "write:no/new"], &[], "| src/new");
    }

    #[test]
    fn what_leaves_a_command_nothing_is_refused() {
        let why = "commands can't be held to the rules about files: a deny rule keeps the whole workspace from being read";
        check(&["read:**"], &[], why);
        check(&["read:."], &[], why);
    }

    #[test]
    fn too_much_to_keep_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=MOST_KEPT {
            fs::write(folder.path().join(format!("{number}.key")), "").unwrap();
        }
        let rules = Rules { deny: vec![Rule("write:*.key".into())], ..Rules::default() };
        let told = Guard::new(&rules, &[]).now(folder.path()).unwrap_err().to_string();
        assert!(told.contains("more than 1000 files"), "{told}");
    }

    #[test]
    fn what_is_held_back_is_told() {
        let list = |rules: &[&str]| rules.iter().map(|rule| Rule((*rule).into())).collect();
        let rules = Rules {
            deny: list(&["read:a"]),
            ask: list(&["write:b/*", "read:c"]),
            ..Rules::default()
        };
        let guard = Guard::new(&rules, &[]);
        let told = |path: &str| (guard.of(path).reading, guard.of(path).changing);
        assert_eq!(
            (told("a/x"), told("b/x"), told("c"), told("d")),
            ((true, false), (false, true), (true, false), (false, false))
        );
    }
}
