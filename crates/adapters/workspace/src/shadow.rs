//! What commands change: the files as they were before, to tell afterwards.
//!
//! Before a command runs the files are looked over, and the bytes of those that are new or changed since the last
//! look are copied into a file without a name in the folder for temporary files. Afterwards they are looked over
//! again; what differs was changed by the command, and its earlier bytes are in the copy. A look costs one `lstat` a
//! file, and none is needed while the kernel has no news (`stillness`); no file is read twice that did not change.
//!
//! What ignore files name is not looked at: build outputs are made again, not undone. Neither are `.git`, `.bottega` and
//! protected files, nor links, nor empty folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bottega_policy::Place;
use bottega_tool::{CommandChanges, FileChange, WorkspaceError};
use bottega_types::Digest;
use ignore::DirEntry;

use crate::ignoring::walk;
use crate::place::Places;
use crate::stillness::{PASSED_BY, Stillness};

/// The largest file whose bytes are kept.
const LARGEST: u64 = 8 << 20;
/// Bytes that are kept of all files together.
const ROOM: u64 = 512 << 20;
/// A workspace with so many files or folders that no ignore file names is not looked over.
const FILES: usize = 100_000;
const FOLDERS: usize = 20_000;
/// The most that one command's changes may hold, in bytes; beyond it they are named and not kept.
const CHANGED: usize = 64 << 20;
/// Paths that are named when their bytes are not kept.
const NAMED: usize = 20;

/// The files as they were before commands that run now.
#[derive(Debug, Default)]
pub(crate) struct Shadow(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: BTreeMap<PathBuf, Known>,
    /// Every folder that has a file in it.
    folders: BTreeSet<PathBuf>,
    copy: Option<File>,
    /// Bytes in the copy.
    end: u64,
    /// Commands that run now. While one does, what differs is its work and nothing is looked over anew.
    running: usize,
    /// A command went away before it was asked what it changed: the next one answers for it.
    unclaimed: bool,
    /// When the first of the commands began that run now.
    since: Option<(i64, i64)>,
    /// Tells when a look would find nothing new.
    stillness: Stillness,
    size: Size,
}

/// Whether a look over the workspace is worth its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Size {
    #[default]
    Usual,
    /// Looks would cost more than the commands, and nobody was told yet that there are none.
    TooLarge,
    /// The same, and it was told.
    Told,
}

/// A file as it was when it was looked at.
#[derive(Clone, Copy, Debug)]
struct Known {
    stamp: Stamp,
    /// Where its bytes are in the copy; nothing when they are not kept.
    kept: Option<(u64, u64)>,
}

/// By which a change shows: any write sets the time of the last change of the inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    mode: u32,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(about: &std::fs::Metadata) -> Self {
        Self {
            inode: about.ino(),
            size: about.size(),
            mode: about.mode(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }
}

impl Shadow {
    /// A command is about to run.
    pub(crate) fn begin(&self, places: &Places) {
        let mut state = self.lock();
        let looks = state.size == Size::Usual && state.running == 0 && !state.unclaimed;
        if looks && !state.stillness.held() {
            let seen = state.look_and_watch(places);
            state.absorb(places, seen);
        }
        state.running += 1;
        if state.since.is_none() {
            state.since = now();
        }
    }

    /// A command went away, and nobody asks what it changed.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        state.unclaimed = true;
    }

    /// A command has ended: what changed since it began. Of commands that run side by side, the one that ends first
    /// answers for what is there by then.
    ///
    /// # Errors
    /// Once, when the workspace is too large to be looked over around each command.
    pub(crate) fn end(&self, places: &Places) -> Result<CommandChanges, WorkspaceError> {
        let mut state = self.lock();
        if state.size != Size::Usual {
            state.running = state.running.saturating_sub(1);
            let told = std::mem::replace(&mut state.size, Size::Told) == Size::Told;
            return if told { Ok(CommandChanges::default()) } else { Err(too_large()) };
        }
        let changes = match state.stillness.held() {
            true => CommandChanges::default(),
            false => {
                let seen = state.look_and_watch(places);
                state.differences(places, seen.files)
            }
        };
        state.running = state.running.saturating_sub(1);
        if state.running == 0 {
            state.since = None;
            state.unclaimed = false;
        }
        Ok(changes)
    }

    /// One of our own tools wrote a file while a command runs: it is not the command's work.
    pub(crate) fn wrote(&self, places: &Places, path: &Path) {
        let mut state = self.lock();
        if state.running == 0 && !state.unclaimed {
            return;
        }
        let path = path.to_owned();
        match std::fs::symlink_metadata(places.root.join(&path)) {
            Ok(about) if about.is_file() => state.keep(places, path, Stamp::of(&about)),
            Ok(_) | Err(_) => {
                state.known.remove(&path);
            }
        }
    }

    /// Every change under the lock leaves the state whole enough for the next look to mend it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Looks until every folder was watched while it was looked at.
    fn look_and_watch(&mut self, places: &Places) -> Seen {
        loop {
            let seen = look(places);
            if seen.folders.len() > FOLDERS || seen.files.len() >= FILES {
                *self = Self { running: self.running, size: Size::TooLarge, ..Self::default() };
                return Seen::default();
            }
            if !self.stillness.watch(&places.root, &seen.folders) {
                return seen;
            }
        }
    }

    /// Takes what is seen for what was there before.
    fn absorb(&mut self, places: &Places, Seen { files: seen, .. }: Seen) {
        self.known.retain(|path, _| seen.contains_key(path));
        for (path, stamp) in seen {
            if self.known.get(&path).is_none_or(|known| known.stamp != stamp) {
                self.keep(places, path, stamp);
            }
        }
        self.folders = folders(self.known.keys());
    }

    /// Copies a file's bytes, where there is room for them.
    fn keep(&mut self, places: &Places, path: PathBuf, stamp: Stamp) {
        let bytes = read(&places.root.join(&path), stamp);
        let kept = bytes.and_then(|bytes| self.copied(&bytes));
        self.known.insert(path, Known { stamp, kept });
    }

    fn copied(&mut self, bytes: &[u8]) -> Option<(u64, u64)> {
        let length = bytes.len() as u64;
        if self.end + length > ROOM {
            return None;
        }
        if self.copy.is_none() {
            self.copy = tempfile::tempfile().ok();
        }
        self.copy.as_mut()?.write_all(bytes).ok()?;
        let at = self.end;
        self.end += length;
        Some((at, length))
    }

    fn bytes(&self, known: &Known) -> Option<Vec<u8>> {
        let (at, length) = known.kept?;
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        self.copy.as_ref()?.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }

    /// What differs between what was known and what is seen, which then is what is known.
    fn differences(&mut self, places: &Places, seen: BTreeMap<PathBuf, Stamp>) -> CommandChanges {
        let mut told = Told::default();
        let gone: Vec<PathBuf> =
            self.known.keys().filter(|path| !seen.contains_key(*path)).cloned().collect();
        for path in gone {
            let Some(known) = self.known.remove(&path) else { continue };
            // What an ignore file names now is still there.
            if std::fs::symlink_metadata(places.root.join(&path)).is_ok_and(|now| now.is_file()) {
                continue;
            }
            let before = self.bytes(&known);
            told.tell(&path, before.is_some(), || {
                FileChange::new(shown(&path), before, None, known.stamp.mode & 0o7777)
            });
        }
        for (path, stamp) in seen {
            let known = self.known.get(&path).copied();
            if known.is_some_and(|known| known.stamp == stamp) {
                continue;
            }
            let after = read(&places.root.join(&path), stamp);
            let kept = after.as_deref().and_then(|bytes| self.copied(bytes));
            self.known.insert(path.clone(), Known { stamp, kept });
            let before = known.and_then(|known| self.bytes(&known));
            let came_to_light = known.is_none() && !self.is_fresh(places, &path, stamp);
            let same = known.is_some_and(|known| known.stamp.mode == stamp.mode)
                && before.as_deref().map(Digest::of) == after.as_deref().map(Digest::of)
                && before.is_some();
            if came_to_light || same {
                continue;
            }
            let whole = after.is_some() && (known.is_none() || before.is_some());
            let folders = &self.folders;
            told.tell(&path, whole, || FileChange {
                mode_before: known.map(|known| known.stamp.mode & 0o7777),
                new_folders: if known.is_none() { new_folders(folders, &path) } else { Vec::new() },
                ..FileChange::new(shown(&path), before, after, stamp.mode & 0o7777)
            });
        }
        self.folders = folders(self.known.keys());
        told.0
    }

    /// Whether a file that was not known was made, changed or moved since the command began, it or a new folder that it
    /// is in. One that only came to light, since an ignore file changed, was not.
    fn is_fresh(&self, places: &Places, path: &Path, stamp: Stamp) -> bool {
        let Some(since) = self.since else { return true };
        let folder_is = |folder: &Path| {
            let about = std::fs::symlink_metadata(places.root.join(folder));
            about.is_ok_and(|about| Stamp::of(&about).changed >= since)
        };
        let new = path.ancestors().skip(1).take_while(|folder| !self.folders.contains(*folder));
        let mut new = new.filter(|folder| !folder.as_os_str().is_empty());
        stamp.changed >= since || new.any(folder_is)
    }
}

/// The changes of one command, as far as there is room for them.
#[derive(Default)]
struct Told(CommandChanges, usize);

impl Told {
    fn tell(&mut self, path: &Path, whole: bool, change: impl FnOnce() -> FileChange) {
        if whole {
            let change = change();
            let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
            let size = bytes(&change.before_bytes) + bytes(&change.after_bytes);
            if self.1 + size <= CHANGED {
                self.1 += size;
                self.0.changes.push(change);
                return;
            }
        }
        self.0.not_kept += 1;
        if self.0.named.len() < NAMED {
            self.0.named.push(shown(path));
        }
    }
}

/// The time by the clock that stamps files: seconds and nanoseconds.
fn now() -> Option<(i64, i64)> {
    let about = tempfile::tempfile().and_then(|file| file.metadata()).ok()?;
    Some((about.ctime(), about.ctime_nsec()))
}

fn too_large() -> WorkspaceError {
    WorkspaceError::Unusable {
        path: ".".to_owned(),
        why: format!(
            "it has more than {FILES} files or {FOLDERS} folders, so what commands change in it is not kept for undo; \
             start in a smaller folder, or name what is built in .gitignore"
        ),
    }
}

/// What a look finds, by paths in the workspace.
#[derive(Default)]
struct Seen {
    files: BTreeMap<PathBuf, Stamp>,
    /// Every folder that was looked into.
    folders: BTreeSet<PathBuf>,
}

/// Looks over the workspace.
fn look(places: &Places) -> Seen {
    let mut seen = Seen::default();
    let keep = |entry: &DirEntry| !PASSED_BY.iter().any(|other| entry.file_name() == *other);
    let walk = walk(&places.root, keep).build();
    for entry in walk.filter_map(Result::ok) {
        if seen.folders.len() > FOLDERS || seen.files.len() >= FILES {
            break;
        }
        let Some(kind) = entry.file_type() else { continue };
        let Ok(path) = entry.path().strip_prefix(&places.root) else { continue };
        if kind.is_dir() {
            seen.folders.insert(path.to_owned());
        } else if kind.is_file()
            && places.of(entry.path()) != Place::Protected
            && let Ok(about) = entry.metadata()
        {
            seen.files.insert(path.to_owned(), Stamp::of(&about));
        }
    }
    seen
}

/// The bytes of a file that is still as it was looked at.
fn read(path: &Path, stamp: Stamp) -> Option<Vec<u8>> {
    if stamp.size > LARGEST {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    (bytes.len() as u64 == stamp.size).then_some(bytes)
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn folders<'p>(paths: impl Iterator<Item = &'p PathBuf>) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for path in paths {
        for folder in path.ancestors().skip(1) {
            if folders.contains(folder) {
                break;
            }
            folders.insert(folder.to_owned());
        }
    }
    folders
}

/// The folders above a new file that had nothing in them, the outermost first.
fn new_folders(known: &BTreeSet<PathBuf>, path: &Path) -> Vec<String> {
    let above = path.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty());
    let mut new: Vec<String> =
        above.take_while(|folder| !known.contains(*folder)).map(shown).collect();
    new.reverse();
    new
}
