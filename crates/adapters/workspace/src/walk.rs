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

    /// The name of a temporary file beside the spot, different for each `number`; [`is_temporary`] knows it again.
    pub(crate) fn beside(&self, number: u64) -> OsString {
        let mut name = OsString::from(".");
        // Names are at most 255 bytes long (`NAME_MAX`).
        let own = self.name.as_bytes();
        name.push(OsStr::from_bytes(&own[..own.len().min(180)]));
        name.push(format!(".{}-{number:x}{TEMPORARY}", std::process::id()));
        name
    }
}

/// How the names of temporary files end.
const TEMPORARY: &str = ".bottega-tmp";

/// Whether a file of this name is one that [`Spot::beside`] named: a write that is under way, or was cut off.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    let own =
        name.as_bytes().strip_prefix(b".").and_then(|name| name.strip_suffix(TEMPORARY.as_bytes()));
    let Some(end) = own.and_then(|name| name.rsplit(|byte| *byte == b'.').next()) else {
        return false;
    };
    let mut parts = end.split(|byte| *byte == b'-');
    let (process, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let digits = |part: &[u8], known: fn(&u8) -> bool| !part.is_empty() && part.iter().all(known);
    parts.next().is_none()
        && digits(process, u8::is_ascii_digit)
        && digits(number, u8::is_ascii_hexdigit)
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
    fn temporary_files_are_known_by_their_names() {
        let folder = rustix::fs::open("/", OFlags::PATH, Mode::empty()).unwrap();
        let spot = Spot { folder, name: "a.b-c".into() };
        assert!(is_temporary(&spot.beside(0)) && is_temporary(&spot.beside(0xfe)));
        for name in
            ["a.bottega-tmp", ".a.bottega-tmp", ".a.12-g.bottega-tmp", ".a.1-2.bottega-tmp2"]
        {
            assert!(!is_temporary(OsStr::new(name)), "{name}");
        }
    }

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
