//! Looking over a workspace before the first question: instructions, a map, surroundings.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bottega_behaviour::Surveyor;
use bottega_event::Survey;
use bottega_policy::Place;
use bottega_tool::{FileKind, Found, ListedFile, Workspace};
use bottega_types::Clock;

use crate::outline::outline;

/// Files that are listed at most; a larger repository is told folder by folder.
const FILES: usize = 20_000;
/// Files whose definitions are told, when there are no more than this.
const OUTLINED: usize = 60;
/// Larger files are not read for their definitions, in bytes.
const LARGEST: u64 = 256 * 1024;
/// Lines of a map at most.
const MAP_LINES: usize = 160;
/// Instruction files that are read at most.
const INSTRUCTIONS: usize = 8;
/// Names of instruction files; of one folder the first that exists is taken.
const NAMES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// Looks over a workspace through its port.
#[derive(Clone)]
pub struct WorkspaceSurveyor {
    workspace: Arc<dyn Workspace>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for WorkspaceSurveyor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkspaceSurveyor").finish_non_exhaustive()
    }
}

impl WorkspaceSurveyor {
    /// Looks over `workspace`.
    #[must_use]
    pub fn new(workspace: Arc<dyn Workspace>, clock: Arc<dyn Clock>) -> Self {
        Self { workspace, clock }
    }

    async fn instructions(&self, files: &[ListedFile]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for path in instruction_paths(files.iter().map(|file| file.path.as_str())) {
            if let Some(text) = self.open(path).await {
                found.push((path.to_owned(), text));
            }
        }
        found
    }

    /// The text of a file that may be read without asking anybody: nobody judges what a survey reads. A link may lead
    /// to a secret, and rules may speak of the file.
    async fn open(&self, path: &str) -> Option<String> {
        let leads_to = self.workspace.resolve(path).ok()?;
        let is_open = leads_to.place == Place::Inside
            && !self.workspace.held_back(path).reading
            && !self.workspace.held_back(&leads_to.shown).reading;
        if !is_open {
            return None;
        }
        match self.workspace.read(path).await {
            Ok(Found::Text(content)) => Some(content.text),
            Ok(Found::Binary { .. }) | Err(_) => None,
        }
    }

    /// Each file on its line with what it defines.
    async fn outlined(&self, files: &[&ListedFile]) -> String {
        let mut lines = Vec::new();
        for file in files {
            let names = match file.size <= LARGEST {
                true => {
                    let text = self.open(&file.path).await;
                    text.map(|text| outline(&file.path, &text)).unwrap_or_default()
                }
                false => Vec::new(),
            };
            let told =
                if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            lines.push(format!("{}{told}", file.path));
        }
        lines.join("\n")
    }

    async fn branch(&self) -> Option<String> {
        // As a link it could lead anywhere.
        let leads_to = self.workspace.resolve(".git/HEAD").ok()?.shown;
        if leads_to != ".git/HEAD" {
            return None;
        }
        match self.workspace.read(".git/HEAD").await {
            Ok(Found::Text(head)) => branch(&head.text).map(str::to_owned),
            _ => None,
        }
    }
}

#[async_trait]
impl Surveyor for WorkspaceSurveyor {
    async fn survey(&self) -> Survey {
        let listing = self.workspace.list(".", &[], None, FILES).await.unwrap_or_default();
        let instructions = self.instructions(&listing.files).await;
        let files: Vec<&ListedFile> =
            listing.files.iter().filter(|file| file.kind == FileKind::File).collect();
        let map = if files.len() <= OUTLINED {
            self.outlined(&files).await
        } else {
            map(files.iter().map(|file| file.path.as_str()), listing.more)
        };
        let mut surroundings = vec![
            format!("platform: {}", std::env::consts::OS),
            format!("date: {}", self.clock.now().day()),
        ];
        if let Some(branch) = self.branch().await {
            surroundings.push(format!("git branch: {branch}"));
        }
        Survey { instructions, map, surroundings }
    }
}

/// The instruction files among `paths`, from the root down; one a folder.
fn instruction_paths<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<&'p str> {
    let mut by_folder = BTreeMap::<(usize, &str), &str>::new();
    for path in paths {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(rank) = NAMES.iter().position(|known| *known == name) else { continue };
        let depth = if folder.is_empty() { 0 } else { folder.split('/').count() };
        let entry = by_folder.entry((depth, folder)).or_insert(path);
        if rank == 0 {
            *entry = path;
        }
    }
    by_folder.into_values().take(INSTRUCTIONS).collect()
}

/// A map of the files: each on its line when there are few, else folders with their counts, the upper
/// ones first.
fn map<'p>(paths: impl Iterator<Item = &'p str>, more: bool) -> String {
    let paths: Vec<&str> = paths.collect();
    let rest = if more { "\n(and more)" } else { "" };
    if paths.len() <= MAP_LINES {
        return format!("{}{rest}", paths.join("\n"));
    }
    let mut folders = BTreeMap::<&str, usize>::new();
    for path in &paths {
        for (end, _) in path.match_indices('/') {
            *folders.entry(&path[..end]).or_default() += 1;
        }
    }
    let mut lines: Vec<String> =
        paths.iter().filter(|p| !p.contains('/')).map(|p| (*p).to_owned()).collect();
    let mut by_depth: Vec<(&str, usize)> = folders.into_iter().collect();
    by_depth.sort_by_key(|(folder, _)| (folder.matches('/').count(), *folder));
    lines.extend(by_depth.iter().map(|(folder, count)| format!("{folder}/ ({count} files)")));
    lines.truncate(MAP_LINES);
    format!("{}{rest}", lines.join("\n"))
}

/// The branch that a `.git/HEAD` names; its commit's beginning when no branch is checked out.
fn branch(head: &str) -> Option<&str> {
    let head = head.trim();
    head.strip_prefix("ref: refs/heads/").or_else(|| head.get(..12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_come_from_the_root_down() {
        let paths = ["a/b/AGENTS.md", "CLAUDE.md", "a/CLAUDE.md", "AGENTS.md", "a/agents.md"];
        assert_eq!(
            instruction_paths(paths.into_iter()),
            ["AGENTS.md", "a/CLAUDE.md", "a/b/AGENTS.md"]
        );
    }

    #[test]
    fn few_files_are_listed_and_many_are_counted() {
        assert_eq!(map(["a.rs", "b/c.rs"].into_iter(), false), "a.rs\nb/c.rs");
        let many: Vec<String> = (0..300).map(|n| format!("src/m{}/f{n}.rs", n % 3)).collect();
        let text = map(many.iter().map(String::as_str).chain(["README.md"]), true);
        insta::assert_snapshot!(text, @r"
        README.md
        src/ (300 files)
        src/m0/ (100 files)
        src/m1/ (100 files)
        src/m2/ (100 files)
        (and more)
        ");
    }

    #[test]
    fn a_head_names_a_branch_or_a_commit() {
        assert_eq!(branch("ref: refs/heads/feature/x\n"), Some("feature/x"));
        assert_eq!(branch("0123456789abcdef0123456789abcdef01234567\n"), Some("0123456789ab"));
        assert_eq!(branch(""), None);
    }
}
