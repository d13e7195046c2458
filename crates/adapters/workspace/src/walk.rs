//! Opening what was resolved, and nothing else.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use bottega_tool::WorkspaceError;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

/// A folder that is held open, and a name in it.
pub(crate) struct Spot {
    /// The folder.
    pub(crate) folder: OwnedFd,
    /// The name.
    pub(crate) name: OsString,
}

/// Whether folders that are missing on the way are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// They are made.
    Make,
    /// They are an error.
    Fail,
}

/// Opens the folder of a resolved path part by part. No part may be a link any more: one that is was put
/// there after the path was resolved, and fails with `ELOOP` or `ENOTDIR`.
pub(crate) fn spot(real: &Path, missing: Missing) -> io::Result<Spot> {
    let parts: Vec<&OsStr> = real
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            Component::RootDir
            | Component::CurDir
            | Component::ParentDir
            | Component::Prefix(_) => None,
        })
        .collect();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
    let Some((name, above)) = parts.split_last() else {
        return Ok(Spot { folder, name: ".".into() });
    };
    for part in above {
        folder = match rustix::fs::openat(&folder, *part, flags, Mode::empty()) {
            Err(Errno::NOENT) if missing == Missing::Make => {
                match rustix::fs::mkdirat(&folder, *part, Mode::from_raw_mode(0o777)) {
                    // Somebody else was quicker: what they made is opened below all the same.
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                rustix::fs::openat(&folder, *part, flags, Mode::empty())?
            }
            opened => opened?,
        };
    }
    Ok(Spot { folder, name: (*name).to_owned() })
}

impl Spot {
    /// Opens what is at the spot for reading, without following a link and without waiting for a pipe.
    pub(crate) fn open(&self) -> io::Result<OwnedFd> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty())?)
    }

    /// What is at the spot, a link itself and not what it leads to.
    pub(crate) fn metadata(&self) -> io::Result<std::fs::Metadata> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let held = rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty())?;
        std::fs::File::from(held).metadata()
    }

    /// The name of a temporary file beside the spot, different for each `number`.
    pub(crate) fn beside(&self, number: u64) -> OsString {
        let mut name = OsString::from(".");
        // Names are at most 255 bytes long (`NAME_MAX`).
        let own = self.name.as_bytes();
        name.push(OsStr::from_bytes(&own[..own.len().min(180)]));
        name.push(format!(".{}-{number:x}.bottega-tmp", std::process::id()));
        name
    }
}

/// What an error on the way to `path` means to the one who asked.
pub(crate) fn explain(action: &'static str, path: &str, error: io::Error) -> WorkspaceError {
    let path = path.to_owned();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::LOOP) => WorkspaceError::Unusable {
            path,
            why: "a link was put in its way just now; nothing was touched. Look again before you repeat it"
                .to_owned(),
        },
        Some(Errno::ISDIR) => WorkspaceError::IsFolder { path },
        Some(Errno::NOENT) => WorkspaceError::NotFound { path, similar: Vec::new() },
        Some(Errno::NOTDIR) => WorkspaceError::Unusable {
            path,
            why: "a part of its path is a file and no folder, or a link was put there just now".to_owned(),
        },
        Some(Errno::NAMETOOLONG) => {
            WorkspaceError::Unusable { path, why: "its name is too long".to_owned() }
        }
        _ => WorkspaceError::Disk { action, path, source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_on_the_way_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::fs::write(root.join("real/f"), "x").unwrap();
        symlink(root.join("real"), root.join("link")).unwrap();
        symlink(root.join("real/f"), root.join("last")).unwrap();
        assert!(spot(&root.join("real/f"), Missing::Fail).and_then(|spot| spot.open()).is_ok());
        for (path, missing) in [("link/f", Missing::Fail), ("link/new", Missing::Make)] {
            let error = spot(&root.join(path), missing).err().map(|error| error.kind());
            assert_eq!(error, Some(io::ErrorKind::NotADirectory), "{path}");
        }
        let last = spot(&root.join("last"), Missing::Fail).and_then(|spot| spot.open());
        let told = explain("open", "last", last.unwrap_err());
        assert!(told.to_string().contains("a link was put in its way"), "{told}");
    }
}
