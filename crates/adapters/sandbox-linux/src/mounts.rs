//! What a command sees of the files, as mounts of its own.
//!
//! Landlock says what may be read and written; it does not hold what needs no opening: modes, owners and times of
//! files, and sockets that other programs listen at. So everything is read-only but what may be written, and
//! the places where the user's programs keep files and sockets are empty but for what was granted in them.

#![expect(unsafe_code, reason = "mounts are made between fork and exec by bare system calls")]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::kernel::checked;

/// How something is hidden or protected by a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    /// A folder that nobody may look into stands over it.
    LockedFolder,
    /// A file that nobody may open stands over it.
    LockedFile,
    /// It can't be renamed or removed.
    Pinned,
    /// It can't be changed at all.
    ReadOnly,
    /// A link that can't be renamed or removed.
    Link,
}

/// Whether what is kept may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// As it is.
    Write,
    /// Read-only, modes and times included.
    Read,
}

/// Something that stays where it is while what lies around it changes.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Where it is.
    pub(crate) path: CString,
    /// Whether it may be written.
    pub(crate) access: Access,
    /// The mount while it is held; −1 before.
    held: AtomicI32,
}

impl Kept {
    /// Nothing is held yet.
    pub(crate) fn new(path: CString, access: Access) -> Self {
        Self { path, access, held: AtomicI32::new(-1) }
    }
}

/// What is made in a place that was emptied, so that what is kept can stand where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// A folder.
    Folder(CString),
    /// An empty file.
    File(CString),
    /// A link that was there.
    Link {
        /// Where it stands.
        at: CString,
        /// Where it leads.
        to: CString,
    },
}

/// What a command sees of the files.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Folders that are emptied, outer ones first.
    pub(crate) hidden: Vec<CString>,
    /// What is made in them, in this order.
    pub(crate) made: Vec<Made>,
    /// What stays, outer ones first.
    pub(crate) kept: Vec<Kept>,
    /// What stands over protected files, last of all.
    pub(crate) covers: Vec<(CString, Cover)>,
    /// The most bytes of shared memory, all of them together: no limit of a single process counts them.
    pub(crate) shared: Option<CString>,
}

impl View {
    /// With at most so many bytes of shared memory.
    pub(crate) fn with_shared(self, most: Option<u64>) -> Self {
        // Digits hold no NUL.
        let shared = most.and_then(|most| CString::new(format!("mode=1777,size={most}")).ok());
        Self { shared, ..self }
    }
}

/// What stands over files that nobody may open. It loses its name as soon as it stands there.
const LOCK: &CStr = c"/dev/shm/.lock";

const STRICT: libc::c_ulong = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

impl View {
    /// Changes the mounts of this process, which has a mount namespace of its own.
    pub(crate) fn take(&self) -> io::Result<()> {
        mount(c"none", c"/", c"", libc::MS_REC | libc::MS_PRIVATE, c"")?;
        for kept in &self.kept {
            let held = hold(&kept.path, 0)?;
            if kept.access == Access::Read && held >= 0 {
                restrict(held, c"", libc::AT_EMPTY_PATH)?;
            }
            kept.held.store(held, Ordering::Relaxed);
        }
        restrict(libc::AT_FDCWD, c"/", 0)?;
        for folder in &self.hidden {
            let flags = libc::MS_NOSUID | libc::MS_NODEV;
            mount(c"tmpfs", folder, c"tmpfs", flags, c"mode=0755,size=1m,nr_inodes=4096")?;
        }
        for made in &self.made {
            make(made)?;
        }
        for kept in &self.kept {
            put_back(kept.held.load(Ordering::Relaxed), &kept.path)?;
        }
        mount(c"proc", c"/proc", c"proc", STRICT, c"")?;
        let shared = self.shared.as_deref().unwrap_or(c"mode=1777");
        present(mount(c"tmpfs", c"/dev/shm", c"tmpfs", STRICT, shared))?;
        // Terminals of this command alone: the others are the user's, who types passwords into them.
        let terminals = c"newinstance,ptmxmode=0666,mode=0620";
        let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
        present(mount(c"devpts", c"/dev/pts", c"devpts", flags, terminals))?;
        self.cover()
    }

    fn cover(&self) -> io::Result<()> {
        let bind = libc::MS_BIND | libc::MS_REC;
        let locks = self.covers.iter().any(|(_, cover)| *cover == Cover::LockedFile);
        if locks {
            // SAFETY: the path ends in NUL; the descriptor is ours.
            unsafe {
                let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC;
                let lock = libc::open(LOCK.as_ptr(), flags, 0);
                checked(lock.into())?;
                libc::close(lock);
            }
        }
        for (path, cover) in &self.covers {
            present(match cover {
                Cover::LockedFolder => {
                    mount(c"tmpfs", path, c"tmpfs", STRICT | libc::MS_RDONLY, c"mode=0,size=4k")
                }
                Cover::LockedFile => mount(LOCK, path, c"", libc::MS_BIND, c""),
                Cover::Pinned => mount(path, path, c"", bind, c""),
                Cover::ReadOnly => mount(path, path, c"", bind, c"")
                    .and_then(|()| restrict(libc::AT_FDCWD, path, 0)),
                Cover::Link => {
                    hold(path, libc::AT_SYMLINK_NOFOLLOW).and_then(|held| put_back(held, path))
                }
            })?;
        }
        if locks {
            // SAFETY: the path ends in NUL.
            unsafe { libc::unlink(LOCK.as_ptr()) };
        }
        Ok(())
    }
}

/// Takes hold of what is mounted at and below a path (`open_tree(2)`); −1 when nothing is there any more.
fn hold(path: &CStr, more: libc::c_int) -> io::Result<RawFd> {
    const CLONE: libc::c_uint = 1;
    let flags = CLONE | (libc::AT_RECURSIVE | libc::O_CLOEXEC | more).cast_unsigned();
    // SAFETY: the path ends in NUL and lives through the call.
    let held = checked(unsafe {
        libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags)
    });
    match held {
        Ok(held) => RawFd::try_from(held).map_err(|_| io::ErrorKind::InvalidData.into()),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(-1),
        Err(error) => Err(error),
    }
}

/// Mounts what is held (`move_mount(2)`), and lets it go.
fn put_back(held: RawFd, path: &CStr) -> io::Result<()> {
    const FROM_ITSELF: libc::c_uint = 4;
    if held < 0 {
        return Ok(());
    }
    // SAFETY: both paths end in NUL and live through the call; the descriptor is ours and not used again.
    unsafe {
        let moved = libc::syscall(
            libc::SYS_move_mount,
            held,
            c"".as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            FROM_ITSELF,
        );
        let moved = checked(moved).map(|_| ());
        libc::close(held);
        moved
    }
}

/// Makes mounts read-only, with all below them, and leaves their other properties (`mount_setattr(2)`).
fn restrict(folder: RawFd, path: &CStr, flags: libc::c_int) -> io::Result<()> {
    // `struct mount_attr`: what is set (`MOUNT_ATTR_RDONLY`), what is cleared, propagation, user namespace.
    let attributes: [u64; 4] = [1, 0, 0, 0];
    // SAFETY: the structure is as large as the size says and lives through the call, as does the path.
    checked(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            folder,
            path.as_ptr(),
            flags | libc::AT_RECURSIVE,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    })
    .map(|_| ())
}

/// Makes one thing; what is there already is left.
fn make(made: &Made) -> io::Result<()> {
    // SAFETY: all paths end in NUL and live through the calls; the descriptor is ours.
    let result = unsafe {
        match made {
            Made::Folder(path) => libc::mkdir(path.as_ptr(), 0o755),
            Made::Link { at, to } => libc::symlink(to.as_ptr(), at.as_ptr()),
            Made::File(path) => {
                let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC;
                let file = libc::open(path.as_ptr(), flags, 0o644);
                if file < 0 { file } else { libc::close(file) }
            }
        }
    };
    match checked(result.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EEXIST) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Mounts; see `mount(2)`.
fn mount(
    source: &CStr,
    target: &CStr,
    kind: &CStr,
    flags: libc::c_ulong,
    data: &CStr,
) -> io::Result<()> {
    // SAFETY: all four strings end in NUL and live through the call.
    checked(
        unsafe {
            libc::mount(
                source.as_ptr(),
                target.as_ptr(),
                kind.as_ptr(),
                flags,
                data.as_ptr().cast(),
            )
        }
        .into(),
    )
    .map(|_| ())
}

/// What is not there needs no cover.
fn present(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(()),
        result => result,
    }
}
