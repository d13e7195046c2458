//! The workspace port over a folder on disk.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bottega_policy::Rules;
use bottega_tool::{
    CommandChanges, CommandWatch, Encoding, FileChange, FileKind, FileStat, FileStep, Found,
    Guarded, HeldBack, Listing, Matches, Page, Query, Resolved, Workspace, WorkspaceError, Written,
};
use bottega_types::Digest;

use crate::change::change;
use crate::encoding::{called, decode, encode, unsure};
use crate::guard::{Guard, protected, spelled_out};
use crate::listing::{Globs, list};
use crate::place::Places;
use crate::read::{Raw, found, page, raw};
use crate::resolve::{follow, resolve, shown};
use crate::restore::{remove_empty, restore};
use crate::search::search;
use crate::shadow::Shadow;
use crate::similar::similar;
use crate::walk::{Missing, Spot, explain, spot};
use crate::worktree::linked_repository;
use crate::write::{expect, replace};

/// As many resolved paths are remembered between judgement and use.
const REMEMBERED: usize = 4_096;

/// What can be set of a workspace.
#[derive(Clone, Debug)]
pub struct Options {
    /// The user's home: `~/` begins there, and its secrets are protected.
    pub home: Option<PathBuf>,
    /// Files and folders that are protected beside the well-known ones: Bottega's own settings and data.
    /// Need not exist.
    pub protected: Vec<PathBuf>,
    /// Globs of more protected places, relative to the workspace or absolute. What a glob matches is protected with
    /// all that is in it.
    pub protected_globs: Vec<String>,
    /// Rules: what they deny or ask for is told, and left out where many files are read.
    pub rules: Rules,
    /// The largest file that is read or rewritten, in bytes.
    pub largest: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            home: None,
            protected: Vec::new(),
            protected_globs: Vec::new(),
            rules: Rules::default(),
            largest: 16 << 20,
        }
    }
}

/// The files of one folder.
#[derive(Clone, Debug)]
pub struct DiskWorkspace {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    places: Places,
    guard: Guard,
    rules: Rules,
    pub(crate) largest: u64,
    /// Where paths led when they were resolved for judgement.
    resolved: Mutex<HashMap<String, PathBuf>>,
    /// The files as they were before commands that run now.
    shadow: Shadow,
}

impl DiskWorkspace {
    /// Opens the folder at `root`. Its links are followed once, now.
    pub fn open(root: &Path, options: &Options) -> Result<Self, WorkspaceError> {
        let path = root.to_string_lossy().into_owned();
        let root = root.canonicalize().map_err(|error| explain("open", &path, error))?;
        if !root.is_dir() {
            return Err(WorkspaceError::Unusable { path, why: "it is no folder".to_owned() });
        }
        let real = |path: &PathBuf| follow(path).unwrap_or_else(|_| path.clone());
        let globs = protected(&options.protected_globs, &root);
        let rules = spelled_out(&options.rules, &root);
        let guard = Guard::new(&rules, &globs);
        let places = Places {
            root,
            globs,
            home: options.home.as_ref().map(real),
            protected: options.protected.iter().map(real).collect(),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                places,
                guard,
                rules,
                largest: options.largest,
                resolved: Mutex::default(),
                shadow: Shadow::default(),
            }),
        })
    }

    /// The rules, those that hold back with paths as this workspace shows them: relative where they lie in it, and
    /// beside a link what it leads to.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.inner.rules
    }

    /// Does work that waits for the disk on a thread that may wait. When the caller goes away, work that
    /// only looks stops at its next step.
    async fn blocking<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(&Inner, &AtomicBool) -> Result<T, WorkspaceError> + Send + 'static,
    ) -> Result<T, WorkspaceError> {
        let stop = StopOnDrop(Arc::default());
        let (inner, flag) = (Arc::clone(&self.inner), Arc::clone(&stop.0));
        match tokio::task::spawn_blocking(move || work(&inner, &flag)).await {
            Ok(result) => result,
            Err(error) => Err(WorkspaceError::Disk {
                action: "work on",
                path: path.to_owned(),
                source: io::Error::other(error),
            }),
        }
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Inner {
    /// Where the path leads now; refused when it led elsewhere as it was judged.
    pub(crate) fn resolve_again(&self, path: &str) -> Result<Resolved, WorkspaceError> {
        let now = resolve(&self.places, path)?;
        let judged =
            self.resolved.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        match judged {
            Some(judged) if judged != now.real => Err(WorkspaceError::Unusable {
                path: path.to_owned(),
                why: format!(
                    "it leads to `{}` now and not to `{}` as when it was looked at; nothing was touched",
                    now.real.display(),
                    judged.display()
                ),
            }),
            Some(_) | None => Ok(now),
        }
    }

    /// A tool wrote the file, or tried to: whatever it holds now is not a command's work.
    fn wrote(&self, path: &str) {
        if let Ok(now) = resolve(&self.places, path)
            && let Ok(path) = now.real.strip_prefix(&self.places.root)
        {
            self.shadow.wrote(&self.places, path);
        }
    }

    fn remember(&self, path: &str, real: &Path) {
        let mut resolved = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        if resolved.len() >= REMEMBERED {
            resolved.clear();
        }
        resolved.insert(path.to_owned(), real.to_owned());
    }

    pub(crate) fn spot(
        &self,
        now: &Resolved,
        action: &'static str,
        missing: Missing,
    ) -> Result<Spot, WorkspaceError> {
        spot(&now.real, missing)
            .map_err(|error| self.suggest(now, explain(action, &now.shown, error)))
    }

    /// Adds names that may have been meant to an error that says that nothing is there.
    fn suggest(&self, now: &Resolved, error: WorkspaceError) -> WorkspaceError {
        match error {
            WorkspaceError::NotFound { path, .. } => {
                WorkspaceError::NotFound { path, similar: similar(&self.places, &now.real) }
            }
            other @ (WorkspaceError::IsFolder { .. }
            | WorkspaceError::Unusable { .. }
            | WorkspaceError::Changed { .. }
            | WorkspaceError::Unencodable { .. }
            | WorkspaceError::Unguarded { .. }
            | WorkspaceError::BadPattern { .. }
            | WorkspaceError::Disk { .. }) => other,
        }
    }

    fn stat(&self, path: &str) -> Result<Option<FileStat>, WorkspaceError> {
        let now = resolve(&self.places, path)?;
        let about = match spot(&now.real, Missing::Fail).and_then(|spot| spot.metadata()) {
            Ok(about) => about,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                // A link that leads nowhere is something all the same.
                let link = self.places.root.join(path).symlink_metadata().ok();
                return Ok(link.map(|_| FileStat { kind: FileKind::Link, size: 0, mode: 0o777 }));
            }
            Err(error) => return Err(explain("look at", path, error)),
        };
        let kind = if about.is_file() {
            FileKind::File
        } else if about.is_dir() {
            FileKind::Folder
        } else if about.is_symlink() {
            FileKind::Link
        } else {
            FileKind::Other
        };
        Ok(Some(FileStat { kind, size: about.len(), mode: about.mode() & 0o7777 }))
    }

    fn read(&self, path: &str) -> Result<Found, WorkspaceError> {
        let now = self.resolve_again(path)?;
        let spot = self.spot(&now, "read", Missing::Fail)?;
        let raw =
            raw(&spot, &now.shown, self.largest).map_err(|error| self.suggest(&now, error))?;
        Ok(found(&raw.bytes))
    }

    fn write(
        &self,
        path: &str,
        text: &str,
        expected: Option<Digest>,
    ) -> Result<Written, WorkspaceError> {
        let now = self.resolve_again(path)?;
        let spot = self.spot(&now, "write", Missing::Make)?;
        let before = expect(&spot, &now.shown, self.largest, expected)?;
        let after = encoded(&now.shown, text, before.as_ref())?;
        let mode = replace(&spot, &now.shown, before.as_ref(), &after, None)?;
        let digest = Digest::of(&after);
        let parted = before.as_ref().map_or(0, Raw::other_names);
        Ok(Written { before: before.map(|before| before.bytes), after, digest, mode, parted })
    }

    /// What is known of places.
    pub(crate) const fn places(&self) -> &Places {
        &self.places
    }

    /// Where a walk begins. It must exist, or the model takes a wrong name for an empty folder.
    fn start(&self, path: &str) -> Result<Resolved, WorkspaceError> {
        let now = self.resolve_again(path)?;
        if now.real.symlink_metadata().is_err() {
            let missing = WorkspaceError::NotFound { path: now.shown.clone(), similar: Vec::new() };
            return Err(self.suggest(&now, missing));
        }
        Ok(now)
    }
}

/// The bytes of `text` in the encoding of the file that it takes the place of, else in UTF-8.
pub(crate) fn encoded(
    shown: &str,
    text: &str,
    before: Option<&Raw>,
) -> Result<Vec<u8>, WorkspaceError> {
    let unusable =
        |why: &str| WorkspaceError::Unusable { path: shown.to_owned(), why: why.to_owned() };
    let (held, encoding) = match before {
        None => (String::new(), Encoding::Utf8 { bom: false }),
        Some(before) => decode(&before.bytes)
            .ok_or_else(|| unusable("it holds binary data; text would destroy it"))?,
    };
    let refuse = |character| WorkspaceError::Unencodable {
        path: shown.to_owned(),
        encoding: called(encoding),
        character,
    };
    if let Some(character) = unsure(text, &held, encoding) {
        return Err(refuse(character));
    }
    let after = encode(text, encoding).map_err(refuse)?;
    if decode(&after).is_none() {
        return Err(unusable(
            "the new text holds control characters; they would make it a binary file",
        ));
    }
    Ok(after)
}

/// A command that runs in the workspace.
struct Watch(Option<DiskWorkspace>);

#[async_trait]
impl CommandWatch for Watch {
    async fn ended(mut self: Box<Self>) -> Result<CommandChanges, WorkspaceError> {
        let Some(workspace) = &self.0 else { return Ok(CommandChanges::default()) };
        let changes = workspace.blocking(".", |inner, _| inner.shadow.end(&inner.places)).await;
        self.0 = None;
        changes
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(workspace) = &self.0 {
            workspace.inner.shadow.abandon();
        }
    }
}

#[async_trait]
impl Workspace for DiskWorkspace {
    fn root(&self) -> PathBuf {
        self.inner.places.root.clone()
    }

    fn resolve(&self, path: &str) -> Result<Resolved, WorkspaceError> {
        let resolved = resolve(&self.inner.places, path)?;
        self.inner.remember(path, &resolved.real);
        Ok(resolved)
    }

    fn protected_in(&self, folder: &Path) -> Option<String> {
        let places = &self.inner.places;
        let found = places.protected_in(folder)?;
        Some(shown(places, &found))
    }

    fn repository(&self) -> Option<PathBuf> {
        linked_repository(&self.inner.places.root)
    }

    fn held_back(&self, shown: &str) -> HeldBack {
        self.inner.guard.of(shown)
    }

    async fn guarded(&self) -> Result<Guarded, WorkspaceError> {
        if !self.inner.guard.keeps_anything() {
            return Ok(Guarded::default());
        }
        self.blocking(".", |inner, _| inner.guard.now(&inner.places.root)).await
    }

    async fn stat(&self, path: &str) -> Result<Option<FileStat>, WorkspaceError> {
        let asked = path.to_owned();
        self.blocking(path, move |inner, _| inner.stat(&asked)).await
    }

    async fn read(&self, path: &str) -> Result<Found, WorkspaceError> {
        let asked = path.to_owned();
        self.blocking(path, move |inner, _| inner.read(&asked)).await
    }

    fn largest(&self) -> u64 {
        self.inner.largest
    }

    async fn read_page(
        &self,
        path: &str,
        first: usize,
        count: usize,
        room: usize,
    ) -> Result<Page, WorkspaceError> {
        let asked = path.to_owned();
        self.blocking(path, move |inner, stop| {
            let now = inner.resolve_again(&asked)?;
            let spot = inner.spot(&now, "read", Missing::Fail)?;
            page(&spot, &now.shown, (first, count, room), stop)
        })
        .await
    }

    async fn write(
        &self,
        path: &str,
        text: &str,
        expected: Option<Digest>,
    ) -> Result<Written, WorkspaceError> {
        let (asked, text) = (path.to_owned(), text.to_owned());
        self.blocking(path, move |inner, _| {
            let written = inner.write(&asked, &text, expected);
            inner.wrote(&asked);
            written
        })
        .await
    }

    async fn change(&self, steps: &[FileStep]) -> Result<Vec<FileChange>, WorkspaceError> {
        let steps = steps.to_vec();
        self.blocking("several files", move |inner, _| {
            let changes = change(inner, &steps);
            changes.iter().flatten().for_each(|change| inner.wrote(&change.path));
            changes
        })
        .await
    }

    async fn restore(
        &self,
        path: &str,
        bytes: Option<&[u8]>,
        mode: u32,
        expected: Option<Digest>,
    ) -> Result<(), WorkspaceError> {
        let (asked, bytes) = (path.to_owned(), bytes.map(<[u8]>::to_vec));
        self.blocking(path, move |inner, _| {
            let restored = restore(inner, &asked, bytes.as_deref(), mode, expected);
            inner.wrote(&asked);
            restored
        })
        .await
    }

    async fn remove_folder(&self, path: &str) -> Result<bool, WorkspaceError> {
        let asked = path.to_owned();
        self.blocking(path, move |inner, _| remove_empty(inner, &asked)).await
    }

    async fn command_begins(&self) -> Result<Box<dyn CommandWatch>, WorkspaceError> {
        let watch = Watch(Some(self.clone()));
        self.blocking(".", |inner, _| {
            inner.shadow.begin(&inner.places);
            Ok(())
        })
        .await?;
        Ok(Box::new(watch))
    }

    async fn list(
        &self,
        path: &str,
        globs: &[String],
        depth: Option<usize>,
        limit: usize,
    ) -> Result<Listing, WorkspaceError> {
        let (asked, globs) = (path.to_owned(), Globs::new(globs)?);
        self.blocking(path, move |inner, stop| {
            let start = inner.start(&asked)?;
            Ok(list(&inner.places, &start.real, &globs, depth, limit, stop))
        })
        .await
    }

    async fn search(&self, query: &Query) -> Result<Matches, WorkspaceError> {
        let query = query.clone();
        let within = query.within.clone().unwrap_or_else(|| ".".to_owned());
        self.blocking(&within.clone(), move |inner, stop| {
            let start = inner.start(&within)?;
            search(&inner.places, &inner.guard, &start.real, &query, stop)
        })
        .await
    }
}
