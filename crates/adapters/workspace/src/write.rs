//! Writing a file so that it is old or new at every moment.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::atomic::{AtomicU64, Ordering};

use bottega_tool::WorkspaceError;
use bottega_types::Digest;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::read::{Raw, raw};
use crate::walk::{Spot, explain};

/// Tells the temporary files of this process apart.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The file at a spot, if it is the expected one: with that digest, or absent when `expected` is.
pub(crate) fn expect(
    spot: &Spot,
    shown: &str,
    largest: u64,
    expected: Option<Digest>,
) -> Result<Option<Raw>, WorkspaceError> {
    let before = match raw(spot, shown, largest) {
        Ok(before) => Some(before),
        Err(WorkspaceError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    if before.as_ref().map(|before| Digest::of(&before.bytes)) == expected {
        Ok(before)
    } else {
        Err(WorkspaceError::Changed { path: shown.to_owned() })
    }
}

/// Puts `bytes` at the spot where `before` was read, and returns the mode bits the file has now.
///
/// `mode` is what the file shall have; absent, an existing file keeps its own and a new one gets what the
/// process's umask leaves.
pub(crate) fn replace(
    spot: &Spot,
    shown: &str,
    before: Option<&Raw>,
    bytes: &[u8],
    mode: Option<u32>,
) -> Result<u32, WorkspaceError> {
    let mode = mode.or_else(|| before.map(|before| before.about.mode() & 0o7777));
    put(spot, shown, before, |temporary| fill(spot, temporary, before, bytes, mode))
}

/// Puts a link to `target` at the spot where `before` was read.
pub(crate) fn link(
    spot: &Spot,
    shown: &str,
    before: Option<&Raw>,
    target: &OsStr,
) -> Result<(), WorkspaceError> {
    put(spot, shown, before, |temporary| {
        Ok(rustix::fs::symlinkat(target, &spot.folder, temporary)?)
    })
}

/// Makes something under a temporary name and gives it the spot's, if what is there is still what was read.
fn put<T>(
    spot: &Spot,
    shown: &str,
    before: Option<&Raw>,
    make: impl FnOnce(&OsStr) -> io::Result<T>,
) -> Result<T, WorkspaceError> {
    let temporary = spot.beside(NUMBER.fetch_add(1, Ordering::Relaxed));
    let result = make(&temporary).and_then(|made| {
        unmoved(spot, before)?;
        rename(spot, &temporary, before.is_some())?;
        Ok(made)
    });
    match result {
        Ok(made) => {
            sync_folder(spot).map_err(|error| explain("sync the folder of", shown, error))?;
            Ok(made)
        }
        Err(error) => {
            // It may not even have been made; there is nothing more to say than the error itself.
            let _ = rustix::fs::unlinkat(&spot.folder, &temporary, AtFlags::empty());
            Err(if error.kind() == io::ErrorKind::AlreadyExists {
                WorkspaceError::Changed { path: shown.to_owned() }
            } else {
                explain("write", shown, error)
            })
        }
    }
}

/// Takes away the file that was read as `before`.
pub(crate) fn remove(spot: &Spot, shown: &str, before: &Raw) -> Result<(), WorkspaceError> {
    if unmoved(spot, Some(before)).is_err() {
        return Err(WorkspaceError::Changed { path: shown.to_owned() });
    }
    rustix::fs::unlinkat(&spot.folder, &spot.name, AtFlags::empty())
        .map_err(io::Error::from)
        .and_then(|()| sync_folder(spot))
        .map_err(|error| explain("delete", shown, error))
}

/// Takes an empty folder away; says whether it did.
pub(crate) fn remove_folder(spot: &Spot, shown: &str) -> Result<bool, WorkspaceError> {
    match rustix::fs::unlinkat(&spot.folder, &spot.name, AtFlags::REMOVEDIR) {
        Ok(()) => {
            sync_folder(spot).map_err(|error| explain("sync the folder of", shown, error))?;
            Ok(true)
        }
        // It holds something, is used as a mount, is no folder, or is gone already.
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY | Errno::NOTDIR | Errno::NOENT) => {
            Ok(false)
        }
        Err(error) => Err(explain("remove", shown, error.into())),
    }
}

fn fill(
    spot: &Spot,
    temporary: &OsStr,
    before: Option<&Raw>,
    bytes: &[u8],
    mode: Option<u32>,
) -> io::Result<u32> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Nobody else may look into it before it has the mode of the file that it will be.
    let first = if mode.is_some() { 0o600 } else { 0o666 };
    let file = rustix::fs::openat(&spot.folder, temporary, flags, Mode::from_raw_mode(first))?;
    let mut file = File::from(file);
    file.write_all(bytes)?;
    if let Some(before) = before {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (before.about.uid(), before.about.gid()) {
            // Only root may give files away; for everybody else the file becomes their own.
            let _ = std::os::unix::fs::fchown(
                &file,
                Some(before.about.uid()),
                Some(before.about.gid()),
            );
        }
    }
    if let Some(mode) = mode {
        // After the owner: a change of owner takes the set-user-id bit away.
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    file.sync_all()?;
    Ok(file.metadata()?.mode() & 0o7777)
}

/// Whether the spot still holds the file that was read; `AlreadyExists` when it does not.
fn unmoved(spot: &Spot, before: Option<&Raw>) -> io::Result<()> {
    let identity = |about: &std::fs::Metadata| {
        (about.ino(), about.dev(), about.size(), about.mtime(), about.mtime_nsec())
    };
    let same = match (spot.metadata(), before) {
        (Ok(now), Some(before)) => identity(&now) == identity(&before.about),
        (Err(error), None) if error.kind() == io::ErrorKind::NotFound => true,
        (Err(error), _) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        (Ok(_) | Err(_), _) => false,
    };
    if same { Ok(()) } else { Err(io::ErrorKind::AlreadyExists.into()) }
}

fn rename(spot: &Spot, temporary: &OsStr, replaces: bool) -> io::Result<()> {
    let (folder, name) = (&spot.folder, &spot.name);
    if !replaces {
        match rustix::fs::renameat_with(folder, temporary, folder, name, RenameFlags::NOREPLACE) {
            // Some file systems don't know the flag; `unmoved` has looked a moment ago.
            Err(Errno::INVAL | Errno::NOSYS) => {}
            result => return Ok(result?),
        }
    }
    Ok(rustix::fs::renameat(folder, temporary, folder, name)?)
}

fn sync_folder(spot: &Spot) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(&spot.folder, ".", flags, Mode::empty())?;
    match rustix::fs::fsync(&folder) {
        // Folders of some file systems can't be synced; their renames are durable by other means.
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
