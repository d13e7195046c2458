//! A workspace in a temporary folder, with something outside of it.

use std::fs;
use std::future::Future;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use bottega_policy::Place;
use bottega_tool::{Found, Workspace, WorkspaceError, Written};
use bottega_types::Digest;
use bottega_workspace::{DiskWorkspace, Options};

pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) workspace: DiskWorkspace,
}

impl World {
    /// A workspace `w` with these files; a name that ends in `@TARGET` is a link, one in `/` a folder.
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        Self::with(files, |_| Options::default())
    }

    pub(crate) fn with(files: &[(&str, &[u8])], options: impl FnOnce(&Path) -> Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("w")).unwrap();
        let options = options(folder.path());
        let workspace = DiskWorkspace::open(&folder.path().join("w"), &options).unwrap();
        let world = Self { folder, workspace };
        for (name, bytes) in files {
            world.put(name, bytes);
        }
        world
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let (name, target) =
            name.split_once('@').map_or((name, None), |(name, to)| (name, Some(to)));
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match target {
            Some(target) => {
                let _ = fs::remove_file(&path);
                symlink(target.replace("OUT", &self.outside("").to_string_lossy()), path).unwrap();
            }
            None if name.ends_with('/') => fs::create_dir_all(path).unwrap(),
            None => fs::write(path, bytes).unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.workspace.root().join(name)
    }

    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn on_disk(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The text of a file and the digest to write it back with.
    pub(crate) fn read(&self, name: &str) -> Result<(String, Digest), WorkspaceError> {
        match wait(self.workspace.read(name))? {
            Found::Text(content) => Ok((content.text, content.digest)),
            Found::Binary { digest, .. } => Ok(("BINARY".to_owned(), digest)),
        }
    }

    pub(crate) fn write(
        &self,
        name: &str,
        text: &str,
        expected: Option<Digest>,
    ) -> Result<Written, WorkspaceError> {
        wait(self.workspace.write(name, text, expected))
    }

    pub(crate) fn place(&self, name: &str) -> (String, Place) {
        let resolved = self.workspace.resolve(name).unwrap();
        (resolved.shown, resolved.place)
    }

    /// Files that a write left behind.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        fs::read_dir(self.workspace.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".bottega-tmp"))
            .collect()
    }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// What an error is, in a word or two.
pub(crate) fn word<T>(result: Result<T, WorkspaceError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(WorkspaceError::NotFound { similar, .. }) => {
            format!("not found; near: {}", similar.join(" "))
        }
        Err(WorkspaceError::IsFolder { .. }) => "folder".to_owned(),
        Err(WorkspaceError::Unusable { why, .. }) => format!("unusable: {why}"),
        Err(WorkspaceError::Changed { .. }) => "changed".to_owned(),
        Err(WorkspaceError::Unencodable { character, .. }) => format!("no place for {character}"),
        Err(WorkspaceError::Unguarded { .. }) => "unguarded".to_owned(),
        Err(WorkspaceError::BadPattern { .. }) => "bad pattern".to_owned(),
        Err(WorkspaceError::Disk { action, source, .. }) => {
            format!("disk: {action}: {:?}", source.kind())
        }
    }
}
