//! What is where, looked up once for one command.
//!
//! Grants, secrets and the view of the files ask about the same paths and about the folders above them again and
//! again, and each question would be a system call. The answers are as old as the planning of the command, and are
//! never kept for the next one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// As many links in a row are followed, as the kernel does.
const LINKS: usize = 40;

/// What is at a path, the last link not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing, or nobody may know.
    Nothing,
    /// A folder.
    Folder,
    /// A link that leads here.
    Link(PathBuf),
    /// A file, a socket, a device.
    File,
}

/// The answers for one command.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    // By their bytes: to compare paths part by part costs more than the look.
    seen: RefCell<HashMap<OsString, Seen>>,
    real: RefCell<HashMap<OsString, Option<PathBuf>>>,
}

impl Looks {
    /// What is at a path.
    pub(crate) fn at(&self, path: &Path) -> Seen {
        if let Some(seen) = self.seen.borrow().get(path.as_os_str()) {
            return seen.clone();
        }
        let seen = self.look(path);
        self.seen.borrow_mut().insert(path.as_os_str().to_owned(), seen.clone());
        seen
    }

    fn look(&self, path: &Path) -> Seen {
        let above = path.parent().map(Path::as_os_str);
        let nothing_above = above.is_some_and(|above| {
            matches!(self.seen.borrow().get(above), Some(Seen::Nothing | Seen::File))
        });
        if nothing_above {
            return Seen::Nothing;
        }
        match fs::symlink_metadata(path) {
            Ok(about) if about.is_dir() => Seen::Folder,
            Ok(about) if about.is_symlink() => {
                fs::read_link(path).map_or(Seen::Nothing, Seen::Link)
            }
            Ok(_) => Seen::File,
            Err(_) => Seen::Nothing,
        }
    }

    /// Whether anything is at a path, a link that leads nowhere included.
    pub(crate) fn is_there(&self, path: &Path) -> bool {
        self.at(path) != Seen::Nothing
    }

    /// Whether a path leads to a folder.
    pub(crate) fn is_folder(&self, path: &Path) -> bool {
        match self.at(path) {
            Seen::Folder => true,
            Seen::Link(_) => self.existing(path).is_some_and(|real| self.at(&real) == Seen::Folder),
            Seen::Nothing | Seen::File => false,
        }
    }

    /// The one path of what is at a path; the path itself when nothing is.
    pub(crate) fn real(&self, path: &Path) -> PathBuf {
        self.existing(path).unwrap_or_else(|| path.to_owned())
    }

    /// The one path of what is at a path, if anything is.
    pub(crate) fn existing(&self, path: &Path) -> Option<PathBuf> {
        self.followed(path, LINKS)
    }

    fn followed(&self, path: &Path, left: usize) -> Option<PathBuf> {
        if let Some(real) = self.real.borrow().get(path.as_os_str()) {
            return real.clone();
        }
        let real = match (path.parent(), path.file_name()) {
            (Some(above), Some(name)) if path.is_absolute() => {
                self.followed(above, left).and_then(|above| {
                    let path = above.join(name);
                    match self.at(&path) {
                        Seen::Nothing => None,
                        Seen::Folder | Seen::File => Some(path),
                        Seen::Link(to) => self.followed(&above.join(to), left.checked_sub(1)?),
                    }
                })
            }
            // The root; one that ends in `..`; one that depends on where this process is.
            _ => path.canonicalize().ok(),
        };
        self.real.borrow_mut().insert(path.as_os_str().to_owned(), real.clone());
        real
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn it_answers_what_the_kernel_does() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/file"), "").unwrap();
        for (to, at) in [
            ("a/b", "near"),
            ("near", "nearer"),
            ("../a/./file", "a/up"),
            ("nowhere", "dead"),
            ("ring", "ring"),
            ("a/file/x", "through"),
        ] {
            symlink(to, root.join(at)).unwrap();
        }
        symlink(root.join("nearer"), root.join("a/b/back")).unwrap();
        let looks = Looks::default();
        for path in [
            "",
            "a",
            "a/",
            "a/b",
            "a/file",
            "a/file/x",
            "near",
            "nearer",
            "nearer/back",
            "a/up",
            "dead",
            "ring",
            "ring/x",
            "through",
            "a/../near",
            "nearer/..",
            "a/b/back/back/../b",
            "none",
            "none/at/all",
            "a//b/.",
        ] {
            // Asked twice: the second answer is the kept one.
            for _ in 0..2 {
                let at = root.join(path);
                assert_eq!(looks.existing(&at), at.canonicalize().ok(), "{path}");
                assert_eq!(looks.is_folder(&at), at.is_dir(), "{path}");
                assert_eq!(looks.is_there(&at), at.symlink_metadata().is_ok(), "{path}");
            }
        }
        assert_eq!(looks.at(&root.join("near")), Seen::Link("a/b".into()));
        assert_eq!(looks.existing(Path::new("/")), Some("/".into()));
    }
}
