//! Which folders a call makes: looked up before it runs, since afterwards nobody can tell.

use std::collections::BTreeSet;

use bottega_policy::{Need, Place};
use bottega_tool::{FileChange, Workspace};

/// Folders of the workspace that did not exist before a call ran.
#[derive(Debug, Default)]
pub(crate) struct Missing(BTreeSet<String>);

impl Missing {
    /// Looks at the folders above each file that a call may write.
    pub(crate) async fn look(workspace: &dyn Workspace, needs: &[Need]) -> Self {
        let mut missing = BTreeSet::new();
        for need in needs {
            let Need::Write { path, place: Place::Inside | Place::Protected } = need else {
                continue;
            };
            for folder in above(path) {
                // What can't be looked at is taken for old: an undo never removes it then.
                if !matches!(workspace.stat(folder).await, Ok(None)) {
                    break;
                }
                missing.insert(folder.to_owned());
            }
        }
        Self(missing)
    }

    /// Tells each created file which folders came with it.
    pub(crate) fn tell(&self, changes: &mut [FileChange]) {
        for change in changes.iter_mut().filter(|change| change.before.is_none()) {
            let made = above(&change.path).filter(|folder| self.0.contains(*folder));
            change.new_folders = made.map(str::to_owned).collect();
            change.new_folders.reverse();
        }
    }
}

/// The folders above a path, the nearest first.
fn above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/'), |(folder, _)| folder.rsplit_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| !folder.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bottega_testkit::FakeWorkspace;

    async fn check(path: &str, expected: &[&str]) {
        let workspace = FakeWorkspace::new().with("old/deep/file", "x");
        let need = Need::Write { path: path.to_owned(), place: Place::Inside };
        let missing = Missing::look(&workspace, &[need]).await;
        let mut changes = [FileChange::new(path.to_owned(), None, Some(Vec::new()), 0o644)];
        missing.tell(&mut changes);
        assert_eq!(changes[0].new_folders, expected, "{path}");
    }

    #[tokio::test]
    async fn only_folders_that_were_missing_are_new() {
        check("file", &[]).await;
        check("old/file", &[]).await;
        check("old/new/file", &["old/new"]).await;
        check("old/deep/a/b/file", &["old/deep/a", "old/deep/a/b"]).await;
        check("a/b/file", &["a", "a/b"]).await;
    }
}
