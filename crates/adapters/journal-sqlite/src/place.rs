//! Where the journal lies: its files, their modes, and whether they can be written.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bottega_store::StoreError;
use rustix::fs::{Access as Permission, access, statvfs};

use crate::refusal::translate_io;
use crate::{Access, Options};

/// The files of one journal.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) writable: Writable,
}

/// Who can write the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Writable {
    /// This process.
    Here,
    /// Others at most: this process was told not to, or may not. Holds the reason.
    Elsewhere(String),
    /// Nobody: the file or its file system is write-protected. Holds the reason.
    Nowhere(String),
}

impl Place {
    /// Looks at the file, and creates it with its folders when it is to be written and not there.
    pub(crate) fn prepare(options: &Options) -> Result<Self, StoreError> {
        let path = options.path.clone();
        // Only `stat` and creation: opening and closing an existing database file would drop the locks
        // that other connections of this process hold on it (POSIX fcntl, "close" drops all).
        if !path.exists() {
            match options.access {
                Access::ReadWrite => create(&path)?,
                Access::ReadOnly => {
                    return Err(StoreError::Failed(format!(
                        "there is no journal at {}",
                        path.display()
                    )));
                }
            }
        }
        let writable = who_writes(&path, options.access)?;
        Ok(Self { path, writable })
    }

    /// SQLite's log of what is not yet in the file.
    pub(crate) fn log(&self) -> PathBuf {
        self.beside("-wal")
    }

    /// The file of turns and of the last position.
    pub(crate) fn bell(&self) -> PathBuf {
        self.beside("-bell")
    }

    /// Opens the bell file, and creates it when it is not there.
    pub(crate) fn open_bell(&self) -> Result<File, StoreError> {
        let path = self.bell();
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o600);
        open.open(&path)
            .map_err(|error| translate_io(&error, &format!("opening {}", path.display())))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(suffix);
        name.into()
    }
}

fn create(path: &Path) -> Result<(), StoreError> {
    let fail = |error: io::Error| translate_io(&error, &format!("creating {}", path.display()));
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            // The name itself must survive loss of power too.
            file.sync_all().and_then(|()| File::open(folder)?.sync_all()).map_err(fail)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

/// Why this process can't write the journal at `path`; nothing when it can.
pub(crate) fn why_not_written(path: &Path) -> Result<Option<String>, StoreError> {
    let look = |error: io::Error| translate_io(&error, &format!("looking at {}", path.display()));
    match who_writes(path, Access::ReadWrite)? {
        Writable::Elsewhere(why) | Writable::Nowhere(why) => Ok(Some(why)),
        Writable::Here => {
            let left = statvfs(path).map_err(|error| look(error.into()))?.f_bavail;
            let full = || format!("the disk that {} lies on is full", path.display());
            Ok((left == 0).then(full))
        }
    }
}

fn who_writes(path: &Path, wanted: Access) -> Result<Writable, StoreError> {
    let shown = path.display();
    let look = |error: io::Error| translate_io(&error, &format!("looking at {shown}"));
    let mode = fs::metadata(path).map_err(look)?.permissions().mode();
    let system = statvfs(path).map_err(|error| look(error.into()))?;
    if system.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        return Ok(Writable::Nowhere(format!("{shown} lies on a read-only file system")));
    }
    if mode & 0o222 == 0 {
        return Ok(Writable::Nowhere(format!(
            "{shown} is write-protected; `chmod u+w` lifts that"
        )));
    }
    match wanted {
        Access::ReadOnly => Ok(Writable::Elsewhere(format!("{shown} was opened for reading only"))),
        Access::ReadWrite => Ok(match access(path, Permission::WRITE_OK) {
            Ok(()) => Writable::Here,
            Err(error) => Writable::Elsewhere(format!("{shown}: {}", io::Error::from(error))),
        }),
    }
}
