//! Walks that respect ignore files.

use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use crate::walk::is_temporary;

/// What is read in a folder, and above it, before the folder is.
const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".git/info/exclude"];

/// A walk of what is below `root` and `keep`: ignore files count whether there is a repository or not, links are not
/// followed. The temporary files of writes under way are nobody's.
///
/// An ignore file that isn't a file (a pipe, a device) would be waited for, or read without end. A folder with one
/// is not looked into; where it is the root or above, no ignore files count.
pub(crate) fn walk(
    root: &Path,
    keep: impl Fn(&DirEntry) -> bool + Send + Sync + 'static,
) -> WalkBuilder {
    let counts = root.ancestors().all(readable);
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false)
        .parents(counts)
        .ignore(counts)
        .git_ignore(counts)
        .git_exclude(counts)
        .git_global(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            entry.depth() == 0
                || (!is_temporary(entry.file_name())
                    && keep(entry)
                    && (!entry.file_type().is_some_and(|kind| kind.is_dir())
                        || readable(entry.path())))
        });
    walk
}

/// Whether every ignore file of a folder can be read to its end.
fn readable(folder: &Path) -> bool {
    IGNORE_FILES.iter().all(|name| match std::fs::metadata(folder.join(name)) {
        Ok(about) => about.is_file() || about.is_dir(),
        // What isn't there, or can't be looked at, can't be opened either.
        Err(_) => true,
    })
}
