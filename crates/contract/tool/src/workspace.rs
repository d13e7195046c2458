//! The port to the files of one workspace.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bottega_policy::Place;
use bottega_types::Digest;

use crate::{CommandChanges, FileChange, Guarded};

/// A path as the workspace resolved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Relative to the workspace with `/` between its parts when inside, absolute otherwise.
    pub shown: String,
    /// The real path, links followed as far as it exists.
    pub real: PathBuf,
    /// Where it lies.
    pub place: Place,
    /// Whether something is there.
    pub there: bool,
}

/// How a file's text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, perhaps with a byte order mark that is not part of the text.
    Utf8 {
        /// Whether the file begins with EF BB BF.
        bom: bool,
    },
    /// UTF-16, with its byte order mark.
    Utf16 {
        /// Whether the high byte comes first.
        big_endian: bool,
    },
    /// UTF-8 with bytes in it that are none. Each of those is written as `\u{fffd}` and its two hex digits, and so are
    /// the bytes of a `\u{fffd}` that the file has.
    BrokenUtf8,
    /// An encoding from before Unicode, guessed from the bytes, which come back from the text as they were.
    Legacy {
        /// Its name in the Encoding Standard of the WHATWG.
        name: &'static str,
        /// Whether there was enough to guess from that a character which is not in the file yet may be written into it.
        known: bool,
    },
    /// None that fits: every byte is one character of ISO 8859-1, so that nothing is lost.
    Latin1,
}

/// A text file, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// The text, line ends as they stand in the file.
    pub text: String,
    /// How to turn the text back into the file's bytes.
    pub encoding: Encoding,
    /// The digest of the file's bytes.
    pub digest: Digest,
    /// Bytes on disk.
    pub size: u64,
}

/// What something in the file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A socket, device or pipe.
    Other,
}

impl FileKind {
    /// What Unix mode bits say that something is (`inode(7)`). Permissions alone are those of a regular file.
    #[must_use]
    pub const fn of_mode(mode: u32) -> Self {
        match mode & 0o170_000 {
            0 | 0o100_000 => Self::File,
            0o040_000 => Self::Folder,
            0o120_000 => Self::Link,
            _ => Self::Other,
        }
    }
}

/// What is known of a path without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// What it is.
    pub kind: FileKind,
    /// Bytes on disk.
    pub size: u64,
    /// Unix mode bits.
    pub mode: u32,
}

/// A file in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Relative to the workspace.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Bytes on disk.
    pub size: u64,
}

/// A listing, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What was found, in path order.
    pub files: Vec<ListedFile>,
    /// Whether there is more than was asked for.
    pub more: bool,
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Regular expression in the syntax of the Rust `regex` crate, matched line by line.
    pub pattern: String,
    /// Whether upper and lower case differ.
    pub case_sensitive: bool,
    /// Globs that a file's path must match one of; all files when empty.
    pub globs: Vec<String>,
    /// The folder or file to search, as the caller named it; the whole workspace when absent.
    pub within: Option<String>,
    /// Lines to pass over before the first that is returned.
    pub skip: usize,
    /// Lines to return at most.
    pub limit: usize,
}

/// One matching line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The file.
    pub path: String,
    /// Its line, from 1.
    pub line: u64,
    /// The line's text without its end, cut to a bounded length.
    pub text: String,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// The lines, ordered by path and line.
    pub lines: Vec<Matched>,
    /// Whether there are more.
    pub more: bool,
    /// Files that were passed over, since rules hold back that they are read.
    pub withheld: usize,
}

/// What rules hold back of a path, beside what its place says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// A deny or ask rule speaks of reading it.
    pub reading: bool,
    /// A deny or ask rule speaks of changing it.
    pub changing: bool,
}

/// Lines of a file that is too large to be read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The lines, without their ends. What is not UTF-8 in them is replaced.
    pub lines: Vec<String>,
    /// How many lines the file has.
    pub total: usize,
    /// Bytes on disk.
    pub size: u64,
}

/// What exists at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Text.
    Text(FileContent),
    /// Bytes that are no text.
    Binary {
        /// Bytes on disk.
        size: u64,
        /// Their digest.
        digest: Digest,
    },
}

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The bytes before; nothing when the file was created.
    pub before: Option<Vec<u8>>,
    /// The bytes after.
    pub after: Vec<u8>,
    /// Digest of the bytes after.
    pub digest: Digest,
    /// Unix mode bits after.
    pub mode: u32,
    /// Other names of the file before (hard links), which still have its bytes.
    pub parted: u64,
}

/// One step of a change over several files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileStep {
    /// Writes a file whole, as [`Workspace::write`] does.
    Write {
        /// The file.
        path: String,
        /// What it shall hold.
        text: String,
        /// The digest that it must have; nothing must be there when absent.
        expected: Option<Digest>,
        /// Whether it may be run from now on, by everybody who may read it; as it is when absent.
        executable: Option<bool>,
    },
    /// Gives a file another name. Its encoding and its mode go with it.
    Move {
        /// The file.
        path: String,
        /// Its new path, at which nothing may be.
        to: String,
        /// What it shall hold from now on; its bytes as they are when absent.
        text: Option<String>,
        /// The digest that it must have.
        expected: Digest,
    },
    /// Takes a file away.
    Delete {
        /// The file.
        path: String,
        /// The digest that it must have.
        expected: Digest,
    },
}

/// Why a file operation failed. A model reads it.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Nothing is there.
    #[error("there is no file `{path}`{}", suggestion(.similar))]
    NotFound {
        /// What was asked for.
        path: String,
        /// Names that are near it.
        similar: Vec<String>,
    },
    /// It is a folder.
    #[error("`{path}` is a folder; list it with list_files")]
    IsFolder {
        /// What was asked for.
        path: String,
    },
    /// It is neither file nor folder, or larger than can be handled.
    #[error("`{path}` can't be used: {why}")]
    Unusable {
        /// What was asked for.
        path: String,
        /// Why not.
        why: String,
    },
    /// It is no longer what the agent read.
    #[error("`{path}` changed on disk since you read it; read it again, then repeat the change")]
    Changed {
        /// The file.
        path: String,
    },
    /// The text can't be written in the file's encoding.
    #[error(
        "`{path}` is not UTF-8 but {encoding}, so {character:?} can't be written into it; use characters that it has, \
         or convert the whole file first"
    )]
    Unencodable {
        /// The file.
        path: String,
        /// What its encoding is, as far as that can be told.
        encoding: &'static str,
        /// The first character that can't be written.
        character: char,
    },
    /// What rules keep from commands can't be found out in a bounded time, or leaves them nothing.
    #[error("commands can't be held to the rules about files: {why}")]
    Unguarded {
        /// What stands in the way, and what to do.
        why: String,
    },
    /// The pattern is not valid.
    #[error("the pattern is not valid: {why}")]
    BadPattern {
        /// Why not.
        why: String,
    },
    /// The file system refused.
    #[error("could not {action} `{path}`: {source}")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

fn suggestion(similar: &[String]) -> String {
    match similar {
        [] => "; list_files shows what there is".to_owned(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// Knows the files as they were before a command.
#[async_trait]
pub trait CommandWatch: Send + Sync {
    /// The command has ended: what it changed. Never more than was changed, and everything that can be put back.
    async fn ended(self: Box<Self>) -> Result<CommandChanges, WorkspaceError>;
}

/// For workspaces in which no command changes anything.
struct Unwatched;

#[async_trait]
impl CommandWatch for Unwatched {
    async fn ended(self: Box<Self>) -> Result<CommandChanges, WorkspaceError> {
        Ok(CommandChanges::default())
    }
}

/// The files of one workspace.
///
/// Every implementation promises:
/// * containment is reported, not assumed: [`resolve`](Self::resolve) follows links and says where a path
///   really lies; reads and writes act on what was resolved and refuse when a link was swapped in between;
/// * writes are atomic: after a crash the file holds the bytes before or the bytes after, with its mode;
/// * nothing else changes: encoding, byte order mark and mode bits of an existing file stay;
/// * a write with an expected digest fails with [`WorkspaceError::Changed`] when the file is another.
#[async_trait]
pub trait Workspace: Send + Sync {
    /// The workspace's root.
    fn root(&self) -> PathBuf;

    /// Finds where a path lies. Touches nothing.
    fn resolve(&self, path: &str) -> Result<Resolved, WorkspaceError>;

    /// Where the repository lies whose linked worktree of git this is; nothing where the workspace has its own, or none.
    fn repository(&self) -> Option<PathBuf> {
        None
    }

    /// A protected file or folder that is there, at or below this folder; as [`Resolved::shown`].
    fn protected_in(&self, _folder: &Path) -> Option<String> {
        None
    }

    /// What rules hold back of a path, given as [`Resolved::shown`]. Without rules nothing is.
    fn held_back(&self, _shown: &str) -> HeldBack {
        HeldBack::default()
    }

    /// What rules keep from a caged command that begins now.
    async fn guarded(&self) -> Result<Guarded, WorkspaceError> {
        Ok(Guarded::default())
    }

    /// What is known of a path without reading it; nothing when nothing is there.
    async fn stat(&self, path: &str) -> Result<Option<FileStat>, WorkspaceError>;

    /// Reads a file whole.
    async fn read(&self, path: &str) -> Result<Found, WorkspaceError>;

    /// The most bytes of a file that [`read`](Self::read) takes.
    fn largest(&self) -> u64 {
        u64::MAX
    }

    /// Reads at most `count` lines of a text file of any size, from line `first` on (from 1), until they have more than
    /// `room` bytes together.
    async fn read_page(
        &self,
        path: &str,
        first: usize,
        count: usize,
        room: usize,
    ) -> Result<Page, WorkspaceError> {
        let Found::Text(content) = self.read(path).await? else {
            let why = "it is a binary file; it has no lines".to_owned();
            return Err(WorkspaceError::Unusable { path: path.to_owned(), why });
        };
        let mut left = room;
        let fits = |line: &&str| {
            let fits = left > 0;
            left = left.saturating_sub(line.len());
            fits
        };
        let lines = content.text.lines().skip(first.saturating_sub(1)).take(count).take_while(fits);
        Ok(Page {
            lines: lines.map(str::to_owned).collect(),
            total: content.text.lines().count(),
            size: content.size,
        })
    }

    /// Writes a file whole, creating folders as needed. `expected` is the digest that the file must have;
    /// `None` means it must not exist. The text is encoded as the existing file is, else as UTF-8.
    async fn write(
        &self,
        path: &str,
        text: &str,
        expected: Option<Digest>,
    ) -> Result<Written, WorkspaceError>;

    /// Carries out all steps, each about another file, or none: when one fails, those before it are taken
    /// back. Once begun it goes on to its end, also when the caller goes away.
    ///
    /// Gives back what changed, in the order of the steps: one change a file, so two for a move, the new
    /// name first.
    async fn change(&self, steps: &[FileStep]) -> Result<Vec<FileChange>, WorkspaceError>;

    /// Puts a file back as it was, or takes it away when `bytes` is absent; for undo. Paths, bytes and mode are those of a
    /// [`FileChange`]: one that ends with `/` is a folder, one whose mode says so a link, and what `expected` is the
    /// digest of is never followed. What is not as expected is [`WorkspaceError::Changed`], as is a folder that is to go
    /// and holds something.
    async fn restore(
        &self,
        path: &str,
        bytes: Option<&[u8]>,
        mode: u32,
        expected: Option<Digest>,
    ) -> Result<(), WorkspaceError>;

    /// Takes a folder away if it is empty; for undo. Says whether it did: what holds anything stays, and so does
    /// what is no folder of the workspace.
    async fn remove_folder(&self, path: &str) -> Result<bool, WorkspaceError>;

    /// A command is about to run in the workspace. What it gives back is asked, when the command has ended, what that
    /// changed; dropped instead, the next command answers for it.
    async fn command_begins(&self) -> Result<Box<dyn CommandWatch>, WorkspaceError> {
        Ok(Box::new(Unwatched))
    }

    /// Lists files below `path`, at most `depth` folders down, respecting ignore files.
    async fn list(
        &self,
        path: &str,
        globs: &[String],
        depth: Option<usize>,
        limit: usize,
    ) -> Result<Listing, WorkspaceError>;

    /// Searches contents, respecting ignore files, passing over binary files, and what rules hold back unless it is
    /// what was asked to be searched.
    async fn search(&self, query: &Query) -> Result<Matches, WorkspaceError>;
}
