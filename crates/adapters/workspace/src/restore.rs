//! Putting one file, link or folder back as it was.
//!
//! What stands at the path is looked at and not followed: a command may have put a link where a file was.

use std::ffi::OsStr;
use std::fs::{Metadata, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use bottega_tool::{FileKind, WorkspaceError};
use bottega_types::Digest;
use rustix::fs::{Mode, OFlags};

use crate::disk::Inner;
use crate::name::meant;
use crate::read::{Raw, raw};
use crate::walk::{Missing, Spot, explain, spot};
use crate::write::{link, remove, remove_folder, replace};

/// What stands at a spot.
enum Standing {
    Nothing,
    /// A file, or a link with what it leads to as its bytes.
    File(Raw),
    Folder,
}

impl Standing {
    fn digest(&self) -> Option<Digest> {
        match self {
            Self::Nothing => None,
            Self::File(raw) => Some(Digest::of(&raw.bytes)),
            Self::Folder => Some(Digest::of(b"")),
        }
    }
}

/// [`Workspace::restore`](bottega_tool::Workspace::restore).
pub(crate) fn restore(
    inner: &Inner,
    path: &str,
    bytes: Option<&[u8]>,
    mode: u32,
    expected: Option<Digest>,
) -> Result<(), WorkspaceError> {
    let changed = || WorkspaceError::Changed { path: path.to_owned() };
    let missing = if bytes.is_some() { Missing::Make } else { Missing::Fail };
    let spot = match spot(&place(inner, path), missing) {
        // Nothing is to be there, and not even its folder is.
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && expected.is_none() && bytes.is_none() =>
        {
            return Ok(());
        }
        Err(error) if is_elsewhere(&error) => return Err(changed()),
        spot => spot.map_err(|error| explain("restore", path, error))?,
    };
    let mut now = standing(&spot, path, inner.largest)?;
    // A folder may have taken the place of a file; one that is empty is nobody's.
    let in_its_place = matches!(now, Standing::Folder) && expected.is_none() && bytes.is_some();
    if now.digest() != expected && !in_its_place {
        return Err(changed());
    }
    let becomes_folder = path.ends_with('/') && bytes.is_some();
    if matches!(now, Standing::Folder) && !becomes_folder {
        if !remove_folder(&spot, path)? {
            return Err(changed());
        }
        now = Standing::Nothing;
    }
    let before = match now {
        Standing::Nothing => None,
        Standing::File(before) => Some(before),
        Standing::Folder => return set_mode(&spot, path, mode),
    };
    match (bytes, before) {
        (Some(_), before) if becomes_folder => {
            before.map_or(Ok(()), |before| remove(&spot, path, &before))?;
            rustix::fs::mkdirat(&spot.folder, &spot.name, Mode::from_raw_mode(0o700))
                .map_err(|error| explain("make", path, error.into()))?;
            set_mode(&spot, path, mode)
        }
        (Some(target), before) if FileKind::of_mode(mode) == FileKind::Link => {
            link(&spot, path, before.as_ref(), OsStr::from_bytes(target))
        }
        (Some(bytes), before) => {
            replace(&spot, path, before.as_ref(), bytes, Some(mode & 0o7777)).map(|_| ())
        }
        (None, Some(before)) => remove(&spot, path, &before),
        (None, None) => Ok(()),
    }
}

/// Takes a folder away if it is empty and a folder of the workspace; says whether it did.
pub(crate) fn remove_empty(inner: &Inner, path: &str) -> Result<bool, WorkspaceError> {
    let real = place(inner, path);
    if real == inner.places().root || !real.starts_with(&inner.places().root) {
        return Ok(false);
    }
    match spot(&real, Missing::Fail) {
        Ok(spot) => remove_folder(&spot, path),
        Err(error) if is_elsewhere(&error) => Ok(false),
        Err(error) => Err(explain("remove", path, error)),
    }
}

/// Where the path stands. What is told of a change has no links in it, so none is followed now: one on the way was put
/// there since.
fn place(inner: &Inner, path: &str) -> PathBuf {
    inner.places().root.join(meant(path.strip_suffix('/').unwrap_or(path)))
}

/// Whether a folder on the way is gone, or is something else by now.
fn is_elsewhere(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(
        errno,
        Some(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP)
    )
}

fn standing(spot: &Spot, path: &str, largest: u64) -> Result<Standing, WorkspaceError> {
    let about: Metadata = match spot.metadata() {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Nothing),
        Err(error) => return Err(explain("look at", path, error)),
    };
    match FileKind::of_mode(about.mode()) {
        FileKind::Folder => Ok(Standing::Folder),
        FileKind::Link => {
            let target = rustix::fs::readlinkat(&spot.folder, &spot.name, Vec::new())
                .map_err(|error| explain("read", path, error.into()))?;
            Ok(Standing::File(Raw { bytes: target.into_bytes(), about }))
        }
        FileKind::File => {
            if about.mode() & 0o400 == 0 {
                // Closed to its owner: the one who may put it back may also look at it.
                open_file(spot).map_err(|error| explain("open", path, error))?;
            }
            raw(spot, path, largest).map(Standing::File)
        }
        FileKind::Other => Err(WorkspaceError::Changed { path: path.to_owned() }),
    }
}

/// Lets the owner read the file at a spot.
fn open_file(spot: &Spot) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = rustix::fs::openat(&spot.folder, &spot.name, flags, Mode::empty())?;
    let way = format!("/proc/self/fd/{}", held.as_raw_fd());
    let mode = std::fs::metadata(&way)?.mode() & 0o7777;
    std::fs::set_permissions(way, Permissions::from_mode(mode | 0o400))
}

/// Gives the folder at a spot these permissions, and nothing that took its place meanwhile.
fn set_mode(spot: &Spot, path: &str, mode: u32) -> Result<(), WorkspaceError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let set = || {
        let held = rustix::fs::openat(&spot.folder, &spot.name, flags, Mode::empty())?;
        // A folder that its owner may not read can be held and not be opened; this is the way to it all the same.
        let way = format!("/proc/self/fd/{}", held.as_raw_fd());
        std::fs::set_permissions(way, Permissions::from_mode(mode & 0o7777))
    };
    set().map_err(|error: io::Error| explain("set the mode of", path, error))
}
