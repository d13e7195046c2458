//! Empty folders that stand, while a command runs, where protected names are not there yet.
//!
//! A mount needs something to stand on. The folder is made in the user's file system, a read-only mount stands over
//! it in the command's own mount namespace, and it is removed when no command needs it any more. When
//! Bottega is killed the keeper takes it away; what is left all the same is known by its mode and taken over by the next
//! command.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::protected;

/// The mode by which such a folder is known.
const MODE: u32 = 0o500;

/// One such folder. The shared lock on it says that a command needs it, to other processes too.
#[derive(Debug)]
pub(crate) struct Placeholder {
    path: PathBuf,
    held: fs::File,
}

impl Placeholder {
    /// Those that the folders which may be written need.
    pub(crate) fn all(writable: &[PathBuf]) -> io::Result<Vec<Self>> {
        let mut made = Vec::new();
        for root in protected::roots(writable).filter(|root| root.is_dir()) {
            for name in protected::NAMES {
                let path = root.join(name);
                if !writable.contains(&path) {
                    made.extend(Self::at(&path)?);
                }
            }
        }
        Ok(made)
    }

    /// Those for what a command may not make, where its folder is.
    pub(crate) fn guarding(paths: &[PathBuf]) -> io::Result<Vec<Self>> {
        let mut made = Vec::new();
        for path in paths {
            let folder = path.parent().is_some_and(Path::is_dir);
            if folder && path.symlink_metadata().is_err() {
                made.extend(Self::at(path)?);
            }
        }
        Ok(made)
    }

    /// Where it stands.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn at(path: &Path) -> io::Result<Option<Self>> {
        loop {
            let ours = match fs::DirBuilder::new().mode(MODE).create(path) {
                Ok(()) => true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
                // Then the command, which may do no more, can make none either.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::PermissionDenied
                            | ErrorKind::ReadOnlyFilesystem
                            | ErrorKind::NotFound
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let about = match path.symlink_metadata() {
                Ok(about) => about,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            // A folder around it may hand on its group's bit.
            if !about.is_dir() || !ours && about.mode() & 0o777 != MODE {
                return Ok(None);
            }
            let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
            let held = match fs::File::options().read(true).custom_flags(flags).open(path) {
                Ok(held) => held,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            held.lock_shared()?;
            // Another command may have removed it meanwhile.
            let same = path.symlink_metadata().is_ok_and(|now| {
                held.metadata().is_ok_and(|own| (now.dev(), now.ino()) == (own.dev(), own.ino()))
            });
            if same {
                return Ok(Some(Self { path: path.to_owned(), held }));
            }
        }
    }
}

impl Drop for Placeholder {
    fn drop(&mut self) {
        // The last one removes it. What is not empty any more is somebody's, and stays.
        let last = self.held.unlock().is_ok() && self.held.try_lock().is_ok();
        if last {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_command_takes_it_away_and_leaves_what_is_somebodys() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        // As in folders of a group.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o2755)).unwrap();
        fs::create_dir(root.join(".bottega")).unwrap();
        let writable = [root.clone()];
        let first = Placeholder::all(&writable).unwrap();
        let second = Placeholder::all(&writable).unwrap();
        assert_eq!((first.len(), second.len()), (1, 1));
        drop(first);
        assert!(root.join(".git").is_dir());
        drop(second);
        assert!(!root.join(".git").exists() && root.join(".bottega").exists());
        // What was granted by name is the command's to make.
        assert!(Placeholder::all(&[root.clone(), root.join(".git")]).unwrap().is_empty());
    }
}
