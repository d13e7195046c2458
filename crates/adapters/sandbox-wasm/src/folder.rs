//! Files under one folder, found by descriptor: no name and no link leads out.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bottega_manifest::{Folder, Refusal};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat2, renameat, unlinkat,
};
use rustix::io::Errno;

/// The longest path of a file, in bytes, and how deep it may lie.
const LONGEST: usize = 1024;
const DEEPEST: usize = 32;

/// Entries of a folder that are listed.
const MOST_ENTRIES: usize = 10_000;

/// A folder that was set aside for a guest. Held open, so that it stays the same when its name changes.
#[derive(Clone, Debug)]
pub struct Home(Arc<OwnedFd>);

impl Home {
    /// Opens a folder that is there.
    pub fn open(folder: &std::path::Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(Arc::new(rustix::fs::open(folder, flags, Mode::empty())?)))
    }
}

/// A path below the granted folder: relative, without `..`.
#[derive(Debug)]
pub(crate) struct Path(String);

impl FromStr for Path {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let is_part = |part: &str| !matches!(part, "" | "." | "..");
        let fits = text.len() <= LONGEST
            && !text.contains('\0')
            && (text == "." || text.split('/').all(is_part) && text.split('/').count() <= DEEPEST);
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::Malformed(
            "a path is relative to the granted folder, without `..`, `.` or empty parts".to_owned(),
        ))
    }
}

impl Path {
    /// The folder it lies in, and its name there. Nothing for the granted folder itself.
    fn split(&self) -> Result<(&str, &str), Refusal> {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => Ok((folder, name)),
            None if self.0 == "." => {
                Err(Refusal::Malformed("the granted folder itself is no file".to_owned()))
            }
            None => Ok((".", &self.0)),
        }
    }
}

/// The granted folder, open for one operation.
pub(crate) struct Granted(OwnedFd);

impl Granted {
    /// Opens the folder, or makes it below the guest's own.
    pub(crate) fn open(home: &Home, folder: &Folder) -> Result<Self, Refusal> {
        make_folders(&home.0, folder.as_str())?;
        Ok(Self(beneath(&home.0, folder.as_str(), OFlags::PATH | OFlags::DIRECTORY)?))
    }

    /// Names, and whether each is a folder, in order of the names.
    pub(crate) fn list(&self, path: &Path) -> Result<Vec<(String, bool)>, Refusal> {
        let folder = beneath(&self.0, &path.0, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::new(folder).map_err(|error| refusal(&path.0, error))? {
            let entry = entry.map_err(|error| refusal(&path.0, error))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_string_lossy();
            if matches!(&*name, "." | "..") {
                continue;
            }
            if entries.len() == MOST_ENTRIES {
                let why = format!("`{}` has more than {MOST_ENTRIES} entries", path.0);
                return Err(Refusal::Exhausted(why));
            }
            entries.push((name.into_owned(), entry.file_type() == FileType::Directory));
        }
        entries.sort_unstable();
        Ok(entries)
    }

    /// The bytes of a file, up to `most`.
    pub(crate) fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>, Refusal> {
        let file = self.file(path, OFlags::RDONLY)?;
        let mut bytes = Vec::new();
        let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| failed(&path.0, &error))?;
        if bytes.len() as u64 > most {
            let why = format!("`{}` is larger than the guest's memory", path.0);
            return Err(Refusal::Exhausted(why));
        }
        Ok(bytes)
    }

    /// Replaces a file whole: beside it first, then in its place.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (folder, name) = path.split()?;
        make_folders(&self.0, folder)?;
        let folder = beneath(&self.0, folder, OFlags::RDONLY | OFlags::DIRECTORY)?;
        // What is there already must be a file, not a link, a pipe or a folder.
        match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                return Err(Refusal::Denied(format!("`{}` is no plain file", path.0)));
            }
            Ok(_) | Err(Errno::NOENT) => {}
            Err(error) => return Err(refusal(&path.0, error)),
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let beside = format!(".bottega-{}-{number}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = File::from(opened(&folder, &beside, flags, Mode::from_raw_mode(0o600))?);
        let written =
            file.write_all(bytes).and_then(|()| Ok(renameat(&folder, &beside, &folder, name)?));
        if written.is_err() {
            // The error is told; a rest that can't be removed changes nothing about it.
            let _removed = unlinkat(&folder, &beside, AtFlags::empty());
        }
        written.map_err(|error| failed(&path.0, &error))
    }

    /// Removes a file, a link or an empty folder.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), Refusal> {
        let (folder, name) = path.split()?;
        let folder = beneath(&self.0, folder, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let removed = match unlinkat(&folder, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => unlinkat(&folder, name, AtFlags::REMOVEDIR),
            other => other,
        };
        removed.map_err(|error| refusal(&path.0, error))
    }

    fn file(&self, path: &Path, flags: OFlags) -> Result<File, Refusal> {
        // A pipe would wait for its other end.
        let file = beneath(&self.0, &path.0, flags | OFlags::NONBLOCK)?;
        let stat = fstat(&file).map_err(|error| refusal(&path.0, error))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            return Ok(File::from(file));
        }
        Err(Refusal::Denied(format!("`{}` is no plain file", path.0)))
    }
}

/// Opens what lies below a folder. The kernel itself refuses each step that would lead out of it, links included.
fn beneath(folder: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Refusal> {
    opened(folder, path, flags, Mode::empty())
}

fn opened(folder: &OwnedFd, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Refusal> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(folder, path, flags | OFlags::CLOEXEC, mode, resolve)
        .map_err(|error| refusal(path, error))
}

/// Makes the folders of a path, one below the other.
fn make_folders(start: &OwnedFd, path: &str) -> Result<(), Refusal> {
    let mut made = String::new();
    for part in path.split('/').filter(|part| *part != ".") {
        let above = beneath(
            start,
            if made.is_empty() { "." } else { &made },
            OFlags::PATH | OFlags::DIRECTORY,
        )?;
        match mkdirat(&above, part, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(refusal(path, error)),
        }
        made = if made.is_empty() { part.to_owned() } else { format!("{made}/{part}") };
    }
    Ok(())
}

fn refusal(path: &str, error: Errno) -> Refusal {
    match error {
        Errno::XDEV | Errno::LOOP => {
            Refusal::Denied(format!("`{path}` leads out of the granted folder"))
        }
        Errno::NOENT | Errno::NOTDIR => Refusal::Unavailable(format!("there is no `{path}`")),
        other => failed(path, &other.into()),
    }
}

fn failed(path: &str, error: &io::Error) -> Refusal {
    Refusal::Unavailable(format!("`{path}`: {error}"))
}
