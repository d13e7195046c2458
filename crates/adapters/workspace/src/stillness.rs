//! Whether nothing happened in some folders since the last question (inotify(7)).
//!
//! Looking over thousands of files to find that none changed costs more than most commands. The kernel notes what
//! happens in a folder before the call that does it returns, so no news means no change. It is an answer to "is a look
//! needed" only: what changed, a look tells. Where the kernel refuses to watch, every question is answered with no.
//!
//! That a folder came or went which no look goes into is no news: a cage lets such folders stand in the workspace while
//! a command runs, so that every command would have some.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{CreateFlags, Event, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;

/// Folders that no look goes into.
pub(crate) const PASSED_BY: &[&str] = &[".git", ".bottega"];

/// Watches folders.
#[derive(Debug, Default)]
pub(crate) struct Stillness {
    kernel: Option<OwnedFd>,
    /// The watch of each folder.
    watched: BTreeMap<PathBuf, i32>,
    /// The kernel refused.
    given_up: bool,
}

impl Stillness {
    /// Whether nothing happened in any watched folder since this was asked last. Never true before folders are
    /// watched.
    pub(crate) fn held(&mut self) -> bool {
        let Some(kernel) = &self.kernel else { return false };
        let mut news = false;
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = Reader::new(kernel, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => news |= !is_passed_by(&event),
                Err(Errno::AGAIN) => return !news,
                Err(Errno::INTR) => {}
                Err(_) => {
                    self.give_up();
                    return false;
                }
            }
        }
    }

    /// Watches these folders below `root` from now on, and forgets others. Whether one of them is new: what happened in
    /// it until now was not noted.
    pub(crate) fn watch(&mut self, root: &Path, folders: &BTreeSet<PathBuf>) -> bool {
        if self.given_up {
            return false;
        }
        let before = std::mem::take(&mut self.watched);
        let mut any = false;
        for folder in folders {
            // Watching a folder again changes nothing and names the same watch; one that came back under its name is
            // another folder with another watch.
            let Ok(watch) = self.add(&root.join(folder)) else {
                self.give_up();
                return false;
            };
            any |= before.get(folder) != Some(&watch);
            self.watched.insert(folder.clone(), watch);
        }
        any
    }

    fn add(&mut self, folder: &Path) -> Result<i32, Errno> {
        let kernel = match &self.kernel {
            Some(kernel) => kernel,
            None => self.kernel.insert(init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?),
        };
        let news = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        let how = WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        match add_watch(kernel, folder, news | how) {
            // Gone since it was seen: the folder above it has news.
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(-1),
            watch => watch,
        }
    }

    fn give_up(&mut self) {
        *self = Self { given_up: true, ..Self::default() };
    }
}

/// Whether all that happened is that a folder came or went which no look goes into. Events that were lost have no
/// name, and neither have those of a watched folder itself.
fn is_passed_by(event: &Event<'_>) -> bool {
    let deed = event.events();
    let name = event.file_name().map(std::ffi::CStr::to_bytes);
    deed.contains(ReadFlags::ISDIR)
        && deed.intersects(ReadFlags::CREATE | ReadFlags::DELETE)
        && name.is_some_and(|name| PASSED_BY.iter().any(|other| name == other.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn every_kind_of_change_is_news_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("sub/file"), "1").unwrap();
        let folders: BTreeSet<PathBuf> = ["", "sub"].map(PathBuf::from).into();
        let mut stillness = Stillness::default();
        assert!(!stillness.held(), "nothing is watched yet");
        assert!(stillness.watch(root, &folders));
        assert!(!stillness.watch(root, &folders));
        let deeds: [&dyn Fn(); 5] = [
            &|| fs::write(root.join("sub/file"), "2").unwrap(),
            &|| fs::write(root.join("new"), "").unwrap(),
            &|| fs::rename(root.join("new"), root.join("sub/new")).unwrap(),
            &|| {
                let mode = fs::Permissions::from_mode(0o600);
                fs::set_permissions(root.join("sub/new"), mode).unwrap();
            },
            &|| fs::remove_file(root.join("sub/new")).unwrap(),
        ];
        for (index, deed) in deeds.iter().enumerate() {
            assert!(stillness.held(), "before {index}");
            deed();
            assert!(!stillness.held(), "after {index}");
        }
        fs::remove_dir_all(root.join("sub")).unwrap();
        fs::create_dir(root.join("sub")).unwrap();
        assert!(!stillness.held());
        assert!(stillness.watch(root, &folders), "another folder of the same name");
        fs::write(root.join("sub/file"), "3").unwrap();
        assert!(!stillness.held(), "it is watched");
        fs::read(root.join("sub/file")).unwrap();
        assert!(stillness.held(), "reading is no change");
        for name in PASSED_BY {
            fs::create_dir(root.join(name)).unwrap();
            fs::remove_dir(root.join(name)).unwrap();
            assert!(stillness.held(), "no look goes into {name}");
            fs::create_dir(root.join(name)).unwrap();
            fs::write(root.join("sub/file"), "4").unwrap();
            assert!(!stillness.held(), "something else happened too");
            fs::rename(root.join(name), root.join("seen")).unwrap();
            assert!(!stillness.held(), "a look goes into it now");
            fs::remove_dir(root.join("seen")).unwrap();
            assert!(!stillness.held());
            fs::write(root.join(name), "").unwrap();
            assert!(!stillness.held(), "a file is another thing");
            fs::remove_file(root.join(name)).unwrap();
            assert!(!stillness.held());
        }
    }
}
