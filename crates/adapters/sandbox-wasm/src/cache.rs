//! Compiled guests on disk, so that a guest is compiled once.
//!
//! Compiled code is run as it is, so who can write to the cache can run anything as this user. The folder must
//! therefore belong to this user and be open to nobody else, and what was written by this house carries a digest over
//! its key and its code, so that a torn or flipped file is compiled anew and never run.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bottega_types::Digest;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, fstat, open, openat, renameat, statat, unlinkat,
};

/// What a file begins with; raised when its form changes.
const MAGIC: &[u8; 8] = b"BTGCODE1";
const HEAD: usize = MAGIC.len() + 32;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// Why a folder can't be a cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It can't be made or opened.
    #[error("can't use {folder} for compiled guests: {source}")]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others could put code there.
    #[error(
        "{folder} holds code and may be used by others: give it to yourself alone (`chmod 700`)"
    )]
    NotPrivate {
        /// The folder.
        folder: PathBuf,
    },
}

/// A folder of compiled guests.
pub(crate) struct Cache {
    folder: OwnedFd,
    most: u64,
}

impl Cache {
    /// Opens the folder, or makes it for this user alone.
    pub(crate) fn open(folder: &Path, most: u64) -> Result<Self, CacheError> {
        let unusable =
            |source: io::Error| CacheError::Unusable { folder: folder.to_owned(), source };
        make(folder).map_err(unusable)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = open(folder, flags, Mode::empty()).map_err(|error| unusable(error.into()))?;
        let stat = fstat(&opened).map_err(|error| unusable(error.into()))?;
        let ours = stat.st_uid == rustix::process::geteuid().as_raw();
        if !ours || stat.st_mode & 0o077 != 0 {
            return Err(CacheError::NotPrivate { folder: folder.to_owned() });
        }
        Ok(Self { folder: opened, most })
    }

    /// The code under a key, when its file is whole.
    pub(crate) fn get(&self, key: Digest) -> Option<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.folder, name(key), flags, Mode::empty()).ok()?;
        let stat = fstat(&file).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stat.st_size).ok()?);
        File::from(file).take(LARGEST).read_to_end(&mut bytes).ok()?;
        let (head, code) = bytes.split_at_checked(HEAD)?;
        let (magic, digest) = head.split_at(MAGIC.len());
        let whole = magic == MAGIC && digest == seal(key, code).as_bytes();
        whole.then(|| bytes.split_off(HEAD))
    }

    /// Keeps code under a key. Another process sees it whole or not at all.
    pub(crate) fn put(&self, key: Digest, code: &[u8]) -> io::Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let beside = format!(".{}-{number}", std::process::id());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        // One of that name is left of a process that had this number before.
        let _removed = unlinkat(&self.folder, &beside, AtFlags::empty());
        let mut file =
            File::from(openat(&self.folder, &beside, flags, Mode::from_raw_mode(0o600))?);
        let written = file
            .write_all(MAGIC)
            .and_then(|()| file.write_all(seal(key, code).as_bytes()))
            .and_then(|()| file.write_all(code))
            .and_then(|()| Ok(renameat(&self.folder, &beside, &self.folder, name(key))?));
        if written.is_err() {
            // The error is told; a rest that can't be removed changes nothing about it.
            let _removed = unlinkat(&self.folder, &beside, AtFlags::empty());
        }
        written?;
        self.trim(&name(key))
    }

    /// Removes the files that were written first, until the rest is within bounds. The newest stays.
    fn trim(&self, newest: &str) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if !name.ends_with(".code") || name == newest {
                continue;
            }
            // Another process may have removed it.
            let Ok(stat) = statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            files.push((stat.st_mtime, name.to_owned(), u64::try_from(stat.st_size).unwrap_or(0)));
        }
        files.sort_unstable();
        let mut total: u64 = files.iter().map(|(_, _, size)| size).sum();
        for (_, name, size) in files {
            if total <= self.most {
                break;
            }
            match unlinkat(&self.folder, &name, AtFlags::empty()) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => total -= size,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn name(key: Digest) -> String {
    format!("{key}.code")
}

fn seal(key: Digest, code: &[u8]) -> Digest {
    Digest::of_parts(&[key.as_bytes(), code])
}

fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
