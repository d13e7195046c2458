//! What commands change: the files as they were before, to tell afterwards.
//!
//! Before a command runs the files are looked over, and the bytes of those that are new or changed since the last
//! look are copied into a file without a name in the folder for temporary files. Afterwards they are looked over
//! again; what differs was changed by the command, and its earlier bytes are in the copy. A look costs one `lstat` a
//! file, and none is needed while the kernel has no news (`stillness`); no file is read twice that did not change.
//!
//! Folders that ignore files name are not looked into: build outputs are made again, not undone. A single ignored file in
//! another folder is somebody's work and is looked at like all others. `.git`, `.bottega` and protected files are not.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bottega_policy::Place;
use bottega_tool::{CommandChanges, FileChange, FileKind, WorkspaceError};
use bottega_types::Digest;
use ignore::DirEntry;

use crate::ignoring::walk;
use crate::name::told as shown;
use crate::place::Places;
use crate::stillness::{PASSED_BY, Stillness};
use crate::walk::is_temporary;

/// The largest file whose bytes are kept.
const LARGEST: u64 = 8 << 20;
/// Bytes that are kept of all files together.
const ROOM: u64 = 512 << 20;
/// A workspace with so many files or folders that no ignore file names is not looked over.
const FILES: usize = 100_000;
const FOLDERS: usize = 20_000;
/// With more ignored files than these in folders that are looked into, no ignored file is looked at.
const LOOSE: usize = 20_000;
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
    folders: BTreeMap<PathBuf, Folder>,
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
    /// There are too many ignored files to look at.
    passes_loose: bool,
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

/// A folder as it was when it was looked at. That something in it changed is no change of its own.
#[derive(Clone, Copy, Debug)]
struct Folder {
    inode: u64,
    mode: u32,
    changed: (i64, i64),
}

impl Folder {
    fn of(about: &Metadata) -> Self {
        Self {
            inode: about.ino(),
            mode: about.mode() & 0o7777,
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }
}

/// By which a change of a file or a link shows: any write sets the time of the last change of the inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    mode: u32,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(about: &Metadata) -> Self {
        Self {
            inode: about.ino(),
            size: about.size(),
            mode: about.mode(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }

    /// Whether a file with this stamp holds what it held with the other: only its mode may be another.
    fn has_bytes_of(self, other: Self) -> bool {
        FileKind::of_mode(self.mode) == FileKind::of_mode(other.mode)
            && (self.inode, self.size, self.modified) == (other.inode, other.size, other.modified)
            && self.mode != other.mode
    }

    /// The mode as it is told: permissions alone, but for a link.
    const fn told_mode(self) -> u32 {
        match FileKind::of_mode(self.mode) {
            FileKind::Link => self.mode,
            FileKind::File | FileKind::Folder | FileKind::Other => self.mode & 0o7777,
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
            state.since = Some(now());
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
                state.differences(places, seen)
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
        for folder in path.ancestors().skip(1) {
            if let Ok(about) = std::fs::symlink_metadata(places.root.join(folder)) {
                state.folders.entry(folder.to_owned()).or_insert_with(|| Folder::of(&about));
            }
        }
        match std::fs::symlink_metadata(places.root.join(&path)) {
            Ok(about) if !about.is_dir() => {
                state.keep(places, path, Stamp::of(&about));
            }
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
            let seen = look(places, !self.passes_loose);
            self.passes_loose |= seen.too_many_loose;
            if seen.folders.len() > FOLDERS || seen.files.len() >= FILES {
                *self = Self { running: self.running, size: Size::TooLarge, ..Self::default() };
                return Seen::default();
            }
            if !self.stillness.watch(&places.root, &seen.folders.keys().cloned().collect()) {
                return seen;
            }
        }
    }

    /// Takes what is seen for what was there before.
    fn absorb(&mut self, places: &Places, Seen { files: mut seen, folders, .. }: Seen) {
        let passed_by: Vec<PathBuf> =
            self.known.keys().filter(|path| !seen.contains_key(*path)).cloned().collect();
        for path in passed_by {
            match still(places, &path) {
                Still::File(stamp) => {
                    seen.insert(path, stamp);
                }
                Still::Unseen => {}
                Still::Folder | Still::Gone => {
                    self.known.remove(&path);
                }
            }
        }
        for (path, stamp) in seen {
            if self.known.get(&path).is_none_or(|known| known.stamp != stamp) {
                self.keep(places, path, stamp);
            }
        }
        self.folders = folders;
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
    fn differences(&mut self, places: &Places, seen: Seen) -> CommandChanges {
        let mut told = Told::default();
        self.files_gone(places, &seen.files, &mut told);
        for (path, stamp) in seen.files {
            self.file_seen(places, &path, stamp, &mut told);
        }
        self.folders_differ(places, &seen.folders, &mut told);
        self.folders = seen.folders;
        told.0
    }

    /// Files that were known and are not seen: gone, or passed by now, since an ignore file names them.
    fn files_gone(&mut self, places: &Places, seen: &BTreeMap<PathBuf, Stamp>, told: &mut Told) {
        let unseen: Vec<PathBuf> =
            self.known.keys().filter(|path| !seen.contains_key(*path)).cloned().collect();
        for path in unseen {
            match still(places, &path) {
                Still::File(stamp) => self.file_seen(places, &path, stamp, told),
                Still::Unseen => {}
                Still::Folder | Still::Gone => {
                    let Some(known) = self.known.remove(&path) else { continue };
                    let before = self.bytes(&known);
                    told.tell(&path, before.is_some(), || {
                        FileChange::new(shown(&path), before, None, known.stamp.told_mode())
                    });
                }
            }
        }
    }

    fn file_seen(&mut self, places: &Places, path: &Path, stamp: Stamp, told: &mut Told) {
        let known = self.known.get(path).copied();
        if known.is_some_and(|known| known.stamp == stamp) {
            return;
        }
        let known_bytes = known.and_then(|known| self.bytes(&known));
        // Only its mode changed, perhaps to one that nobody can read.
        let same_bytes = known.is_some_and(|known| known.stamp.has_bytes_of(stamp));
        let after = match known_bytes.clone().filter(|_| same_bytes) {
            Some(bytes) => Some(bytes),
            None => read(&places.root.join(path), stamp),
        };
        let kept = after.as_deref().and_then(|bytes| self.copied(bytes));
        self.known.insert(path.to_owned(), Known { stamp, kept });
        let before = known_bytes;
        let came_to_light = known.is_none() && !self.is_fresh(places, path, stamp.changed);
        let same = known.is_some_and(|known| known.stamp.mode == stamp.mode)
            && before.as_deref().map(Digest::of) == after.as_deref().map(Digest::of)
            && before.is_some();
        if came_to_light || same {
            return;
        }
        let whole = after.is_some() && (known.is_none() || before.is_some());
        told.tell(path, whole, || FileChange {
            mode_before: known.map(|known| known.stamp.told_mode()),
            ..FileChange::new(shown(path), before, after, stamp.told_mode())
        });
    }

    fn folders_differ(&self, places: &Places, seen: &BTreeMap<PathBuf, Folder>, told: &mut Told) {
        let gone = self.folders.iter().filter(|(path, _)| !seen.contains_key(*path));
        for (path, known) in gone {
            // What is passed by now is still there.
            if matches!(still(places, path), Still::Gone | Still::File(_)) {
                told.tell(path, true, || FileChange::folder(&shown(path), Some(known.mode), None));
            }
        }
        for (path, folder) in seen.iter().filter(|(path, _)| !path.as_os_str().is_empty()) {
            let before = self.folders.get(path).map(|known| known.mode);
            let differs = match before {
                Some(mode) => mode != folder.mode,
                None => self.is_fresh(places, path, folder.changed),
            };
            if differs {
                let change = || FileChange::folder(&shown(path), before, Some(folder.mode));
                told.tell(path, true, change);
            }
        }
    }

    /// Whether something that was not known was made, changed or moved since the command began, it or a new folder that
    /// it is in. What only came to light, since an ignore file changed, was not.
    fn is_fresh(&self, places: &Places, path: &Path, changed: (i64, i64)) -> bool {
        let Some(since) = self.since else { return true };
        let folder_is = |folder: &Path| {
            let about = std::fs::symlink_metadata(places.root.join(folder));
            about.is_ok_and(|about| Stamp::of(&about).changed >= since)
        };
        // One that was moved to where another was is as new as one where none was.
        let is_new = |folder: &&Path| match self.folders.get(*folder) {
            None => true,
            Some(known) => std::fs::symlink_metadata(places.root.join(folder))
                .is_ok_and(|about| about.ino() != known.inode),
        };
        let new = path.ancestors().skip(1).take_while(is_new);
        let mut new = new.filter(|folder| !folder.as_os_str().is_empty());
        changed >= since || new.any(folder_is)
    }
}

/// What stands at a path that a look did not find.
enum Still {
    /// A file, a link, or what is neither and no folder.
    File(Stamp),
    Folder,
    /// Nothing; or a folder above it has become something else.
    Gone,
    /// Nobody may look, so nothing is known.
    Unseen,
}

fn still(places: &Places, path: &Path) -> Still {
    let above: Vec<&Path> = path.ancestors().skip(1).collect();
    for folder in above.iter().rev() {
        match std::fs::symlink_metadata(places.root.join(folder)) {
            Ok(about) if about.is_dir() => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Still::Unseen;
            }
            Ok(_) | Err(_) => return Still::Gone,
        }
    }
    match std::fs::symlink_metadata(places.root.join(path)) {
        Ok(about) if about.is_dir() => Still::Folder,
        Ok(about) if !about.is_dir() => Still::File(Stamp::of(&about)),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Still::Unseen,
        Ok(_) | Err(_) => Still::Gone,
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

/// The time by the clock that stamps files, which counts in ticks: seconds and nanoseconds. No file that is changed from
/// now on gets an earlier one.
fn now() -> (i64, i64) {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    (time.tv_sec, time.tv_nsec)
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
    /// Files and links.
    files: BTreeMap<PathBuf, Stamp>,
    /// Every folder that was looked into, the workspace itself with an empty path.
    folders: BTreeMap<PathBuf, Folder>,
    /// There are more ignored files than are looked at; none of them is among the files.
    too_many_loose: bool,
}

/// Looks over the workspace, at ignored files in folders that are looked into only if `loose`.
fn look(places: &Places, loose: bool) -> Seen {
    let mut seen = Seen::default();
    let keep = |entry: &DirEntry| !PASSED_BY.iter().any(|other| entry.file_name() == *other);
    let walk = walk(&places.root, keep).build();
    for entry in walk.filter_map(Result::ok) {
        if seen.folders.len() > FOLDERS || seen.files.len() >= FILES {
            return seen;
        }
        let Some(kind) = entry.file_type() else { continue };
        let Ok(path) = entry.path().strip_prefix(&places.root) else { continue };
        let Ok(about) = entry.metadata() else { continue };
        if kind.is_dir() {
            seen.folders.insert(path.to_owned(), Folder::of(&about));
        } else if is_kept(places, entry.path(), &about) {
            seen.files.insert(path.to_owned(), Stamp::of(&about));
        }
    }
    if loose {
        match loose_files(places, &seen) {
            Some(loose) => seen.files.extend(loose),
            None => seen.too_many_loose = true,
        }
    }
    seen
}

fn is_kept(places: &Places, path: &Path, about: &Metadata) -> bool {
    !about.is_dir() && places.of(path) != Place::Protected
}

/// The files that the walk passed by in folders that it went into; nothing when they are too many.
fn loose_files(places: &Places, seen: &Seen) -> Option<Vec<(PathBuf, Stamp)>> {
    let mut loose = Vec::new();
    for folder in seen.folders.keys() {
        let Ok(entries) = std::fs::read_dir(places.root.join(folder)) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let passed = is_temporary(&name) || PASSED_BY.iter().any(|other| name == *other);
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = folder.join(&name);
            if passed || is_folder || seen.files.contains_key(&path) {
                continue;
            }
            if let Ok(about) = entry.metadata()
                && is_kept(places, &entry.path(), &about)
            {
                loose.push((path, Stamp::of(&about)));
            }
        }
        if loose.len() > LOOSE {
            return None;
        }
    }
    Some(loose)
}

/// The bytes of a file that is still as it was looked at; of a link what it leads to.
fn read(path: &Path, stamp: Stamp) -> Option<Vec<u8>> {
    if FileKind::of_mode(stamp.mode) == FileKind::Link {
        return std::fs::read_link(path).ok().map(|target| target.into_os_string().into_vec());
    }
    // A pipe would be waited for.
    if FileKind::of_mode(stamp.mode) != FileKind::File || stamp.size > LARGEST {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    (bytes.len() as u64 == stamp.size).then_some(bytes)
}
