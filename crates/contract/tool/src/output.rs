//! What a call gave.

use bottega_types::Digest;
use serde::{Deserialize, Serialize};

/// What a call gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOutput {
    /// What the model reads. The host bounds it; the whole is kept as a blob.
    pub text: String,
    /// The whole output, where the tool itself made `text` an excerpt of it. The host keeps it as a blob.
    pub full: Option<String>,
    /// Whether the thing the tool did failed, as when tests fail or a command exits non-zero: no fault of
    /// the tool, but the model should take notice.
    pub failed: bool,
    /// Files that changed.
    pub changes: Vec<FileChange>,
    /// The exit status of a command, where one ran.
    pub exit_code: Option<i32>,
    /// What it changed, or may still change, and what can't be taken back.
    pub unkept: Option<String>,
    /// Whether the text is a file's: then nothing in it is for a terminal, and it reaches the model as it stands.
    pub verbatim: bool,
}

impl ToolOutput {
    /// Plain text, all well.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// One file, link or folder that a call changed, with both versions in the blob store so that it can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// The path, relative to the workspace. That of a folder ends with `/`; its bytes are none, and there whenever it is.
    pub path: String,
    /// The bytes before, of a link what it leads to; nothing when the file was created.
    #[serde(skip)]
    pub before_bytes: Option<Vec<u8>>,
    /// The bytes after; nothing when the file was deleted.
    #[serde(skip)]
    pub after_bytes: Option<Vec<u8>>,
    /// Digest of the bytes before.
    pub before: Option<Digest>,
    /// Digest of the bytes after.
    pub after: Option<Digest>,
    /// Unix mode bits after (before, when deleted): permissions, and for a link its type (`S_IFLNK`) too.
    pub mode: u32,
    /// Unix mode bits before, where they may differ from those after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_before: Option<u32>,
    /// Folders that were made for it, the outermost first, relative to the workspace. The host fills them in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_folders: Vec<String>,
    /// Other names of the file before (hard links), which still have its bytes.
    #[serde(skip)]
    pub parted: u64,
}

impl FileChange {
    /// A change from `before` to `after`.
    #[must_use]
    pub fn new(path: String, before: Option<Vec<u8>>, after: Option<Vec<u8>>, mode: u32) -> Self {
        Self {
            path,
            before: before.as_deref().map(Digest::of),
            after: after.as_deref().map(Digest::of),
            before_bytes: before,
            after_bytes: after,
            mode,
            mode_before: None,
            new_folders: Vec::new(),
            parted: 0,
        }
    }

    /// A folder that came, went or has other mode bits now; nothing is where there is none.
    #[must_use]
    pub fn folder(path: &str, before: Option<u32>, after: Option<u32>) -> Self {
        let bytes = |mode: Option<u32>| mode.map(|_| Vec::new());
        let mode = after.or(before).unwrap_or_default();
        let change = Self::new(format!("{path}/"), bytes(before), bytes(after), mode);
        Self { mode_before: before, ..change }
    }

    /// Whether it is about a folder itself.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.path.ends_with('/')
    }
}

/// What a command changed in the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandChanges {
    /// The changes, each with both versions of its file.
    pub changes: Vec<FileChange>,
    /// Files that changed and can't be put back, since they or all of them together are too large to be kept, or since
    /// they are neither files nor links nor folders.
    pub not_kept: usize,
    /// The first of them.
    pub named: Vec<String>,
}

/// Why a call gave nothing. The model reads these, so each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The arguments don't follow the schema.
    #[error(
        "the arguments are not valid: {why}. Call the tool again with arguments that follow its schema."
    )]
    BadArguments {
        /// What is wrong with them.
        why: String,
    },
    /// The call makes no sense as things stand.
    #[error("{0}")]
    Refused(String),
    /// A file operation failed.
    #[error(transparent)]
    Workspace(#[from] crate::WorkspaceError),
    /// A command could not be run as asked.
    #[error(transparent)]
    Sandbox(#[from] crate::SandboxError),
    /// Nothing came from the web.
    #[error(transparent)]
    Web(#[from] crate::WebError),
}
