//! Linked worktrees of git, whose repository lies elsewhere.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How much of a file that holds one path is read, in bytes.
const POINTER: u64 = 8192;

/// The repository that `root` is a linked worktree of (`gitrepository-layout(5)`, `git-worktree(1)`): its `.git` is a
/// file that leads to it, and it leads back. A file that somebody put there leads nowhere, since it can't write into
/// the repository.
#[must_use]
pub fn linked_repository(root: &Path) -> Option<PathBuf> {
    let pointer = root.join(".git");
    if !pointer.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let own = root.join(line(&pointer)?.strip_prefix("gitdir: ")?).canonicalize().ok()?;
    let back = own.join(line(&own.join("gitdir"))?);
    if back.canonicalize().ok()? != pointer.canonicalize().ok()? {
        return None;
    }
    let repository = own.join(line(&own.join("commondir"))?).canonicalize().ok()?;
    (repository.is_dir() && own.starts_with(&repository)).then_some(repository)
}

/// The first line of a small file.
fn line(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(POINTER).read_to_string(&mut text).ok()?;
    text.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_worktree_is_known_when_both_sides_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (main, tree) = (root.join("main/.git"), root.join("tree"));
        let own = main.join("worktrees/tree");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir(&tree).unwrap();
        assert_eq!(linked_repository(&tree), None);
        fs::write(tree.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::write(own.join("gitdir"), format!("{}\n", root.join("other/.git").display())).unwrap();
        assert_eq!(linked_repository(&tree), None);
        fs::write(own.join("gitdir"), format!("{}\n", tree.join(".git").display())).unwrap();
        assert_eq!(linked_repository(&tree), Some(main));
        assert_eq!(linked_repository(&root.join("main")), None);
    }
}
