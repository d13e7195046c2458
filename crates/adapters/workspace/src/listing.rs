//! Which files there are.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bottega_tool::{FileKind, ListedFile, Listing, WorkspaceError};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::DirEntry;

use crate::ignoring::walk;
use crate::place::Places;
use crate::resolve::shown;

/// Hidden files and folders that are part of the work. All other hidden ones are passed over.
const USEFUL: &[&str] = &[
    ".agents",
    ".babelrc",
    ".cargo",
    ".changeset",
    ".circleci",
    ".clang-format",
    ".clang-tidy",
    ".config",
    ".coveragerc",
    ".devcontainer",
    ".dockerignore",
    ".editorconfig",
    ".env.example",
    ".env.sample",
    ".env.template",
    ".flake8",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".gitlab",
    ".gitlab-ci.yml",
    ".gitmodules",
    ".golangci.yml",
    ".husky",
    ".ignore",
    ".mocharc.json",
    ".node-version",
    ".nvmrc",
    ".pre-commit-config.yaml",
    ".pylintrc",
    ".python-version",
    ".rspec",
    ".rubocop.yml",
    ".ruby-version",
    ".tool-versions",
    ".travis.yml",
    ".vscode",
];

/// Starts of useful hidden names that come with many ends.
const USEFUL_STARTS: &[&str] =
    &[".eslint", ".prettier", ".stylelint", ".rustfmt", ".clippy", ".swc"];

/// Globs over paths of the workspace. A glob without `/` speaks of names in every folder, one that
/// begins with `!` takes files out.
pub(crate) struct Globs {
    wanted: Option<GlobSet>,
    unwanted: GlobSet,
}

impl Globs {
    /// Reads the globs; without any, every path matches.
    pub(crate) fn new(globs: &[String]) -> Result<Self, WorkspaceError> {
        let (mut wanted, mut unwanted) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut any = false;
        for text in globs {
            let (set, pattern) = match text.strip_prefix('!') {
                Some(pattern) => (&mut unwanted, pattern),
                None => {
                    any = true;
                    (&mut wanted, text.as_str())
                }
            };
            let pattern = pattern.trim_start_matches("./");
            let pattern = match pattern.strip_prefix('/') {
                Some(rooted) => rooted.to_owned(),
                None if pattern.trim_end_matches('/').contains('/') => pattern.to_owned(),
                None => format!("**/{pattern}"),
            };
            // `src/` means what is in it.
            let pattern = match pattern.strip_suffix('/') {
                Some(folder) => format!("{folder}/**"),
                None => pattern,
            };
            set.add(GlobBuilder::new(&pattern).literal_separator(true).build().map_err(bad(text))?);
        }
        let wanted = if any { Some(wanted.build().map_err(bad(""))?) } else { None };
        Ok(Self { wanted, unwanted: unwanted.build().map_err(bad(""))? })
    }

    /// Whether a path, relative to the workspace (or absolute outside of it), is asked for.
    pub(crate) fn match_path(&self, path: &str) -> bool {
        self.wanted.as_ref().is_none_or(|set| set.is_match(path)) && !self.unwanted.is_match(path)
    }

    /// Whether any path matches.
    pub(crate) fn match_all(&self) -> bool {
        self.wanted.is_none()
    }
}

fn bad(text: &str) -> impl Fn(globset::Error) -> WorkspaceError {
    move |error| WorkspaceError::BadPattern { why: format!("glob `{text}`: {}", error.kind()) }
}

/// Walks what is below `real` in path order: ignore files respected whether there is a repository or
/// not, hidden files passed over except [useful](USEFUL) ones, links not followed.
///
/// What can't be read is passed over: one folder without permission must not hide all others.
pub(crate) fn entries<'a>(
    real: &Path,
    depth: Option<usize>,
    stop: &'a AtomicBool,
) -> impl Iterator<Item = DirEntry> + 'a {
    walk(real, |entry| is_useful(&entry.file_name().to_string_lossy()))
        .max_depth(depth.map(|depth| depth.max(1)))
        .sort_by_file_name(Ord::cmp)
        .build()
        .take_while(|_| !stop.load(Ordering::Relaxed))
        .filter_map(Result::ok)
}

fn is_useful(name: &str) -> bool {
    !name.starts_with('.')
        || USEFUL.contains(&name)
        || USEFUL_STARTS.iter().any(|start| name.starts_with(start))
}

/// Lists files below `real`. A folder is listed only where its contents are not: at the depth limit.
pub(crate) fn list(
    places: &Places,
    real: &Path,
    globs: &Globs,
    depth: Option<usize>,
    limit: usize,
    stop: &AtomicBool,
) -> Listing {
    let mut listing = Listing::default();
    for entry in entries(real, depth, stop) {
        let Some(kind) = kind(&entry) else { continue };
        let at_the_limit = depth.is_some_and(|depth| entry.depth() >= depth.max(1));
        if kind == FileKind::Folder && (entry.depth() == 0 || !at_the_limit || !globs.match_all()) {
            continue;
        }
        let path = shown(places, entry.path());
        if !globs.match_path(&path) {
            continue;
        }
        if listing.files.len() == limit {
            listing.more = true;
            break;
        }
        let size = match kind {
            FileKind::Folder => 0,
            FileKind::File | FileKind::Link | FileKind::Other => {
                entry.metadata().map(|about| about.len()).unwrap_or_default()
            }
        };
        listing.files.push(ListedFile { path, kind, size });
    }
    listing
}

fn kind(entry: &DirEntry) -> Option<FileKind> {
    let kind = entry.file_type()?;
    Some(if kind.is_file() {
        FileKind::File
    } else if kind.is_dir() {
        FileKind::Folder
    } else if kind.is_symlink() {
        FileKind::Link
    } else {
        FileKind::Other
    })
}
