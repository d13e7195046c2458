//! A workspace in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bottega_policy::Place;
use bottega_tool::{
    Encoding, FileChange, FileContent, FileKind, FileStat, FileStep, Found, ListedFile, Listing,
    Matched, Matches, Query, Resolved, Workspace, WorkspaceError, Written,
};
use bottega_types::Digest;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

const ROOT: &str = "/w";
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Files in memory under `/w`. Knows UTF-8 with and without byte order mark, and takes bytes with a NUL
/// for binary. `.git/…` and `.env` are protected.
#[derive(Debug, Default)]
pub struct FakeWorkspace {
    /// Bytes and mode by real path.
    files: Mutex<BTreeMap<String, (Vec<u8>, u32)>>,
    links: Mutex<BTreeMap<String, String>>,
}

impl FakeWorkspace {
    /// An empty workspace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this file in it.
    #[must_use]
    pub fn with(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.put(path, text);
        self
    }

    /// Writes a file as somebody else would.
    pub fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        lock(&self.files).insert(absolute(path), (text.as_ref().to_vec(), 0o644));
    }

    /// Makes `path` lead to `target`.
    pub fn link(&self, path: &str, target: &str) {
        lock(&self.links).insert(absolute(path), absolute(target));
    }

    /// The bytes of a file.
    #[must_use]
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        lock(&self.files).get(&absolute(path)).map(|(bytes, _)| bytes.clone())
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.bytes(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn real(&self, path: &str) -> String {
        let path = absolute(path);
        lock(&self.links).get(&path).cloned().unwrap_or(path)
    }

    /// The bytes and the mode of a file that has the expected digest.
    fn expected(
        &self,
        path: &str,
        expected: Option<Digest>,
    ) -> Result<(Option<Vec<u8>>, u32), WorkspaceError> {
        let file = lock(&self.files).get(&self.real(path)).cloned();
        if file.as_ref().map(|(bytes, _)| Digest::of(bytes)) != expected {
            return Err(WorkspaceError::Changed { path: path.to_owned() });
        }
        Ok(file.map_or((None, 0o644), |(bytes, mode)| (Some(bytes), mode)))
    }

    fn is_folder(&self, real: &str) -> bool {
        let below = format!("{}/", real.trim_end_matches('/'));
        real == ROOT || lock(&self.files).keys().any(|path| path.starts_with(&below))
    }

    /// Paths relative to the root and bytes of the files below `within` that one of the globs speaks of.
    fn below(
        &self,
        within: &str,
        globs: &[String],
    ) -> Result<Vec<(String, Vec<u8>)>, WorkspaceError> {
        let real = self.real(within);
        let folder = format!("{}/", real.trim_end_matches('/'));
        if !self.is_folder(&real) && !lock(&self.files).contains_key(&real) {
            return Err(WorkspaceError::NotFound { path: within.to_owned(), similar: Vec::new() });
        }
        let globs = read_globs(globs)?;
        Ok(lock(&self.files)
            .iter()
            .filter(|(path, _)| **path == real || path.starts_with(&folder))
            .filter_map(|(path, (bytes, _))| {
                let shown = path.strip_prefix("/w/")?.to_owned();
                (globs.is_empty() || globs.is_match(&shown)).then(|| (shown, bytes.clone()))
            })
            .collect())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The path from `/`, without `.` and `..`.
fn absolute(path: &str) -> String {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{ROOT}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in full.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A glob without `/` speaks of names in every folder.
fn read_globs(globs: &[String]) -> Result<GlobSet, WorkspaceError> {
    let bad = |error: globset::Error| WorkspaceError::BadPattern { why: error.to_string() };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let everywhere = if glob.contains('/') { glob.clone() } else { format!("**/{glob}") };
        set.add(GlobBuilder::new(&everywhere).literal_separator(true).build().map_err(bad)?);
    }
    set.build().map_err(bad)
}

fn decode(bytes: &[u8]) -> Found {
    let digest = Digest::of(bytes);
    let size = bytes.len() as u64;
    let bom = bytes.starts_with(BOM);
    let body = if bom { &bytes[BOM.len()..] } else { bytes };
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => Found::Text(FileContent {
            text: text.to_owned(),
            encoding: Encoding::Utf8 { bom },
            digest,
            size,
        }),
        Ok(_) | Err(_) => Found::Binary { size, digest },
    }
}

#[async_trait]
impl Workspace for FakeWorkspace {
    fn root(&self) -> PathBuf {
        ROOT.into()
    }

    fn resolve(&self, path: &str) -> Result<Resolved, WorkspaceError> {
        let real = self.real(path);
        let (shown, place) =
            match real.strip_prefix("/w/").or_else(|| (real == ROOT).then_some(".")) {
                Some(inside) => {
                    let protected = inside == ".git"
                        || inside.starts_with(".git/")
                        || inside.rsplit('/').next() == Some(".env");
                    (inside.to_owned(), if protected { Place::Protected } else { Place::Inside })
                }
                None => (real.clone(), Place::Outside),
            };
        let held = lock(&self.files).contains_key(&real) || self.is_folder(&real);
        // Of what lies outside nothing is known.
        let there = held || place == Place::Outside || real.ends_with("/.git");
        Ok(Resolved { shown, real: real.into(), place, there })
    }

    fn protected_in(&self, folder: &Path) -> Option<String> {
        Path::new(ROOT).starts_with(folder).then(|| ".git".to_owned())
    }

    async fn stat(&self, path: &str) -> Result<Option<FileStat>, WorkspaceError> {
        let real = self.real(path);
        if let Some((bytes, mode)) = lock(&self.files).get(&real) {
            return Ok(Some(FileStat {
                kind: FileKind::File,
                size: bytes.len() as u64,
                mode: *mode,
            }));
        }
        Ok(self.is_folder(&real).then_some(FileStat {
            kind: FileKind::Folder,
            size: 0,
            mode: 0o755,
        }))
    }

    async fn read(&self, path: &str) -> Result<Found, WorkspaceError> {
        let real = self.real(path);
        let bytes = lock(&self.files).get(&real).map(|(bytes, _)| bytes.clone());
        match bytes {
            Some(bytes) => Ok(decode(&bytes)),
            None if self.is_folder(&real) => {
                Err(WorkspaceError::IsFolder { path: path.to_owned() })
            }
            None => Err(WorkspaceError::NotFound { path: path.to_owned(), similar: Vec::new() }),
        }
    }

    async fn write(
        &self,
        path: &str,
        text: &str,
        expected: Option<Digest>,
    ) -> Result<Written, WorkspaceError> {
        let real = self.real(path);
        if self.is_folder(&real) {
            return Err(WorkspaceError::IsFolder { path: path.to_owned() });
        }
        let mut files = lock(&self.files);
        let (before, mode) = match files.get(&real) {
            Some((bytes, mode)) => (Some(bytes.clone()), *mode),
            None => (None, 0o644),
        };
        if before.as_deref().map(Digest::of) != expected {
            return Err(WorkspaceError::Changed { path: path.to_owned() });
        }
        let bom = before.as_deref().is_some_and(|bytes| bytes.starts_with(BOM));
        let mut after = if bom { BOM.to_vec() } else { Vec::new() };
        after.extend_from_slice(text.as_bytes());
        files.insert(real, (after.clone(), mode));
        Ok(Written { before, digest: Digest::of(&after), after, mode, parted: 0 })
    }

    async fn change(&self, steps: &[FileStep]) -> Result<Vec<FileChange>, WorkspaceError> {
        let mut deeds = Vec::new();
        for step in steps {
            match step {
                FileStep::Write { path, text, expected, executable } => {
                    let (before, mode) = self.expected(path, *expected)?;
                    let mode = match executable {
                        Some(true) => mode | 0o111,
                        Some(false) => mode & !0o111,
                        None => mode,
                    };
                    let bom = before.as_deref().is_some_and(|bytes| bytes.starts_with(BOM));
                    let after = [if bom { BOM } else { &[] }, text.as_bytes()].concat();
                    deeds.push((self.real(path), before, Some(after), mode));
                }
                FileStep::Move { path, to, text, expected } => {
                    let (before, mode) = self.expected(path, Some(*expected))?;
                    self.expected(to, None)?;
                    let after = match text {
                        Some(text) => Some(text.clone().into_bytes()),
                        None => before.clone(),
                    };
                    deeds.push((self.real(to), None, after, mode));
                    deeds.push((self.real(path), before, None, mode));
                }
                FileStep::Delete { path, expected } => {
                    let (before, mode) = self.expected(path, Some(*expected))?;
                    deeds.push((self.real(path), before, None, mode));
                }
            }
        }
        let mut files = lock(&self.files);
        let change = |(real, before, after, mode): (String, _, Option<Vec<u8>>, u32)| {
            match &after {
                Some(after) => files.insert(real.clone(), (after.clone(), mode)),
                None => files.remove(&real),
            };
            let path = real.strip_prefix("/w/").unwrap_or(&real).to_owned();
            FileChange::new(path, before, after, mode)
        };
        Ok(deeds.into_iter().map(change).collect())
    }

    async fn restore(
        &self,
        path: &str,
        bytes: Option<&[u8]>,
        mode: u32,
        expected: Option<Digest>,
    ) -> Result<(), WorkspaceError> {
        let real = self.real(path);
        let mut files = lock(&self.files);
        if files.get(&real).map(|(bytes, _)| Digest::of(bytes)) != expected {
            return Err(WorkspaceError::Changed { path: path.to_owned() });
        }
        match bytes {
            Some(bytes) => files.insert(real, (bytes.to_vec(), mode)),
            None => files.remove(&real),
        };
        Ok(())
    }

    /// Folders here exist as long as they hold a file, so there is never an empty one.
    async fn remove_folder(&self, _path: &str) -> Result<bool, WorkspaceError> {
        Ok(false)
    }

    async fn list(
        &self,
        path: &str,
        globs: &[String],
        depth: Option<usize>,
        limit: usize,
    ) -> Result<Listing, WorkspaceError> {
        let start = absolute(path).trim_start_matches(ROOT).trim_matches('/').to_owned();
        let mut files: Vec<ListedFile> = Vec::new();
        for (shown, bytes) in self.below(path, globs)? {
            let inner =
                shown.strip_prefix(&start).unwrap_or(&shown).trim_start_matches('/').to_owned();
            let parts: Vec<&str> = inner.split('/').collect();
            let file = match depth {
                Some(depth) if parts.len() > depth => {
                    let cut = shown.len()
                        - parts[depth.max(1)..].iter().map(|part| part.len() + 1).sum::<usize>();
                    ListedFile { path: shown[..cut].to_owned(), kind: FileKind::Folder, size: 0 }
                }
                Some(_) | None => {
                    ListedFile { path: shown, kind: FileKind::File, size: bytes.len() as u64 }
                }
            };
            if files.last() != Some(&file) {
                files.push(file);
            }
        }
        let more = files.len() > limit;
        files.truncate(limit);
        Ok(Listing { files, more })
    }

    async fn search(&self, query: &Query) -> Result<Matches, WorkspaceError> {
        let pattern = regex::RegexBuilder::new(&query.pattern)
            .case_insensitive(!query.case_sensitive)
            .build()
            .map_err(|error| WorkspaceError::BadPattern { why: error.to_string() })?;
        let mut lines = Vec::new();
        for (path, bytes) in self.below(query.within.as_deref().unwrap_or("."), &query.globs)? {
            let Found::Text(content) = decode(&bytes) else { continue };
            for (at, text) in
                content.text.lines().enumerate().filter(|(_, line)| pattern.is_match(line))
            {
                lines.push(Matched {
                    path: path.clone(),
                    line: at as u64 + 1,
                    text: text.to_owned(),
                });
            }
        }
        let more = lines.len() > query.skip + query.limit;
        let lines = lines.into_iter().skip(query.skip).take(query.limit).collect();
        Ok(Matches { lines, more, withheld: 0 })
    }
}
