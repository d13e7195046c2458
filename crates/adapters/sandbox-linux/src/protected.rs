//! What in a folder that may be written a command may not change: with it, it could make the user's own git, or
//! Bottega, run something outside the cage later.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsStr};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bottega_tool::Guarded;

use crate::cage::c_path;
use crate::looks::{Looks, Seen};
use crate::mounts::Cover;

/// Names at the root of a folder.
pub(crate) const NAMES: &[&str] = &[GIT, ".bottega"];
const GIT: &str = ".git";

/// What stays read-only in a `.git` that was granted: git itself needs neither for a commit or a branch.
const GRANTED: &[(&str, Cover)] =
    &[("", Cover::Pinned), ("config", Cover::ReadOnly), ("hooks", Cover::ReadOnly)];

/// How much of a `.git` file is read, in bytes: it holds one path.
const POINTER: u64 = 8192;

/// The roots in which names are protected: what was granted, but for grants of such a name itself.
pub(crate) fn roots(writable: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    writable.iter().filter(|path| !is_protected(path))
}

fn is_protected(path: &Path) -> bool {
    NAMES.iter().any(|name| path.file_name().is_some_and(|file| file == *name))
}

/// What stands over the protected files of the folders that may be written, outer ones first.
pub(crate) fn covers(looks: &Looks, writable: &[PathBuf]) -> Vec<(PathBuf, Cover)> {
    let granted: BTreeSet<PathBuf> =
        writable.iter().filter(|path| is_protected(path)).map(|path| looks.real(path)).collect();
    let mut covers = Vec::new();
    for root in roots(writable) {
        let root_of_all = looks.real(root);
        let mut covering =
            Covering { looks, root: root_of_all, granted: &granted, covers: &mut covers };
        for name in NAMES {
            covering.name(&root.join(name));
        }
        covering.nested();
    }
    covers
}

/// The covers of a command with those of what rules keep from it, which are told with their links followed.
///
/// Folders on the way are pinned first, so that nothing is carried out of a rule's sight; what is pinned again later
/// would be free of what was kept in it, so that is kept again.
pub(crate) fn guarded(
    guarded: &Guarded,
    writable: &[PathBuf],
    covers: Vec<(CString, Cover)>,
) -> Vec<(CString, Cover)> {
    let frozen: BTreeSet<&Path> = guarded.unwritable.iter().map(PathBuf::as_path).collect();
    let roots: Vec<PathBuf> =
        writable.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    let mut first: BTreeMap<&Path, Cover> = BTreeMap::new();
    for path in guarded.unwritable.iter().chain(&guarded.unreadable) {
        let Some(root) = roots.iter().find(|root| path.starts_with(root)) else { continue };
        let outer = |at: &&Path| at.starts_with(root) && *at != root.as_path();
        for at in path.ancestors().skip(1).take_while(outer) {
            if !at.ancestors().any(|at| frozen.contains(at)) {
                first.insert(at, Cover::Pinned);
            }
        }
        if frozen.contains(path.as_path()) {
            let link = path.symlink_metadata().is_ok_and(|about| about.is_symlink());
            first.insert(path, if link { Cover::Link } else { Cover::ReadOnly });
        }
    }
    let pinned = |path: &Path| {
        covers.iter().any(|(at, cover)| {
            *cover == Cover::Pinned && path.starts_with(OsStr::from_bytes(at.as_bytes()))
        })
    };
    let again: Vec<(CString, Cover)> = first
        .iter()
        .filter(|(path, cover)| **cover != Cover::Pinned && pinned(path))
        .map(|(path, cover)| (c_path(path), *cover))
        .collect();
    let first = first.into_iter().map(|(path, cover)| (c_path(path), cover));
    first.chain(covers).chain(again).collect()
}

struct Covering<'a> {
    looks: &'a Looks,
    root: PathBuf,
    granted: &'a BTreeSet<PathBuf>,
    covers: &'a mut Vec<(PathBuf, Cover)>,
}

impl Covering<'_> {
    fn name(&mut self, path: &Path) {
        let seen = self.looks.at(path);
        if seen == Seen::Nothing {
            return;
        }
        let whole = self.looks.real(path);
        if self.granted.contains(&whole) {
            for (name, cover) in GRANTED {
                let path = if name.is_empty() { whole.clone() } else { whole.join(name) };
                if matches!(self.looks.at(&path), Seen::Folder | Seen::File) {
                    self.covers.push((path, *cover));
                }
            }
            return;
        }
        if matches!(seen, Seen::Link(_)) {
            self.covers.push((path.to_owned(), Cover::Link));
            self.inside(&whole);
        } else {
            self.covers.push((path.to_owned(), Cover::ReadOnly));
        }
        if self.looks.at(&whole) == Seen::File {
            // A worktree or a submodule: the file names the folder, and that one the folder of the whole repository.
            let Some(folder) = pointer(&whole, "gitdir:") else { return };
            self.inside(&folder);
            if let Some(common) = pointer(&folder.join("commondir"), "") {
                self.inside(&common);
            }
        }
    }

    /// Covers what a repository's parts lead to, where it lies in this folder, and keeps what leads there.
    fn inside(&mut self, path: &Path) {
        let path = self.looks.real(path);
        let Ok(below) = path.strip_prefix(&self.root) else { return };
        if below.as_os_str().is_empty() || self.looks.existing(&path).is_none() {
            return;
        }
        let mut way: Vec<&Path> =
            path.ancestors().skip(1).take_while(|at| *at != self.root).collect();
        way.reverse();
        // Within what is covered already there is nothing to do.
        if way.iter().any(|at| is_protected(at)) {
            return;
        }
        self.covers.extend(way.into_iter().map(|at| (at.to_owned(), Cover::Pinned)));
        self.covers.push((path, Cover::ReadOnly));
    }

    /// Repositories in folders of this one.
    fn nested(&mut self) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let folder = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !is_protected(&folder) {
                let git = folder.join(GIT);
                if self.looks.is_there(&git) {
                    self.covers.push((folder, Cover::Pinned));
                    self.name(&git);
                }
            }
        }
    }
}

/// The path that a small file names after a word, from where the file lies.
fn pointer(file: &Path, word: &str) -> Option<PathBuf> {
    // It may be anything by now, a pipe that nobody writes to included.
    let opened = fs::File::options().read(true).custom_flags(libc::O_NONBLOCK).open(file).ok()?;
    if !opened.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    opened.take(POINTER).read_to_string(&mut text).ok()?;
    Some(file.parent()?.join(text.strip_prefix(word)?.trim()))
}
