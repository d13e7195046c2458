//! From a path as somebody wrote it to where it really leads.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use bottega_tool::{Resolved, WorkspaceError};

use crate::name::{meant, told};
use crate::place::Places;

/// As many links as Linux follows in one path (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// Where `path` leads, links followed as far as it exists. Touches nothing.
pub(crate) fn resolve(places: &Places, path: &str) -> Result<Resolved, WorkspaceError> {
    let unusable =
        |why: &str| WorkspaceError::Unusable { path: path.to_owned(), why: why.to_owned() };
    if path.contains('\0') {
        return Err(unusable("its name has a NUL in it"));
    }
    let asked = match (path.strip_prefix("~/"), &places.home) {
        (Some(rest), Some(home)) => home.join(meant(rest)),
        _ => places.root.join(meant(path)),
    };
    let real = match follow(&asked) {
        Ok(real) => real,
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(unusable("its links lead in a circle"));
        }
        Err(source) => {
            return Err(WorkspaceError::Disk { action: "resolve", path: path.to_owned(), source });
        }
    };
    let place = places.of(&real);
    let there = real.symlink_metadata().is_ok();
    Ok(Resolved { shown: shown(places, &real), real, place, there })
}

/// The path as people and models read it.
pub(crate) fn shown(places: &Places, real: &Path) -> String {
    below(&places.root, real)
}

/// A path relative to a folder, if it lies in it.
pub(crate) fn below(root: &Path, real: &Path) -> String {
    match real.strip_prefix(root) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
        Ok(inside) => told(inside),
        Err(_) => told(real),
    }
}

/// An absolute path without `.`, `..` and links. What does not exist is kept as it is written.
pub(crate) fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::from("/");
    let mut todo: VecDeque<OsString> = parts(path).collect();
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            real.pop();
            continue;
        }
        real.push(&part);
        match std::fs::symlink_metadata(&real) {
            Ok(found) if found.is_symlink() => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(rustix::io::Errno::LOOP.into());
                }
                let target = std::fs::read_link(&real)?;
                real.pop();
                if target.is_absolute() {
                    real = PathBuf::from("/");
                }
                for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                    todo.push_front(part);
                }
            }
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(real)
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}
