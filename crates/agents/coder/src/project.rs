//! What tells how a project is tested and checked: the files at its root and what some of them hold.

use bottega_policy::{AccessMode, Place};
use bottega_tool::{Found, ToolContext, ToolError};
use serde_json::Value;

use crate::command::quoted;

/// Files at a project's root that are looked for.
const MARKERS: &[&str] = &[
    "Cargo.toml",
    "go.mod",
    "package.json",
    "tsconfig.json",
    "pytest.ini",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "conftest.py",
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    "Makefile",
    "makefile",
    "GNUmakefile",
];

/// Markers that say by themselves that a folder is a project.
const PROJECTS: &[&str] = &[
    "**/Cargo.toml",
    "**/go.mod",
    "**/package.json",
    "**/pyproject.toml",
    "**/setup.py",
    "**/Makefile",
];

/// Test files of Python projects that have no other marker.
const PYTHON_TESTS: &[&str] = &["test_*.py", "**/test_*.py", "**/*_test.py"];

/// Interpreters of virtual environments that lie in a project.
const PYTHONS: &[&str] = &[".venv/bin/python", "venv/bin/python"];

/// Projects below the root that are named at most.
const NAMED: usize = 8;

/// A project as its files show it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Project {
    /// Its folder, relative to the workspace; nothing for the workspace itself.
    pub(crate) folder: Option<String>,
    /// Which of the files that are looked for are there.
    pub(crate) files: Vec<String>,
    /// What `package.json` holds, or why it can't be read.
    pub(crate) package: Option<Result<Value, String>>,
    /// What `pyproject.toml` holds.
    pub(crate) pyproject: Option<String>,
    /// What the makefile holds.
    pub(crate) makefile: Option<String>,
    /// Whether it has Python code, where nothing else says what it is.
    pub(crate) python: bool,
    /// Whether it has Python tests, where nothing else says what it is.
    pub(crate) python_tests: bool,
    /// The Python of its own virtual environment.
    pub(crate) own_python: Option<&'static str>,
}

impl Project {
    /// Looks at a folder of the workspace, the workspace itself when none is named.
    pub(crate) async fn look(
        folder: Option<String>,
        context: &ToolContext,
    ) -> Result<Self, ToolError> {
        let folder = folder.map(|folder| folder.trim_end_matches('/').to_owned());
        let folder = folder.filter(|folder| !matches!(folder.as_str(), "" | "."));
        let mut project = Self { folder, ..Self::default() };
        if let Some(folder) = &project.folder {
            let found = context.workspace.resolve(folder)?;
            if found.place != Place::Inside && context.mode != AccessMode::Full {
                let why =
                    format!("{folder} lies outside of the workspace, so nothing is run there");
                return Err(ToolError::Refused(why));
            }
            if context.workspace.stat(folder).await?.is_none() {
                return Err(ToolError::Refused(format!("there is no folder {folder}")));
            }
        }
        for marker in MARKERS {
            let path = project.within(marker);
            if context.workspace.stat(&path).await?.is_none() {
                continue;
            }
            project.files.push((*marker).to_owned());
            let read = match *marker {
                "package.json" | "pyproject.toml" | "Makefile" | "makefile" | "GNUmakefile" => {
                    context.workspace.read(&path).await?
                }
                _ => continue,
            };
            let Found::Text(content) = read else { continue };
            match *marker {
                "package.json" => {
                    let parsed = serde_json::from_str(&content.text);
                    project.package = Some(parsed.map_err(|error| error.to_string()));
                }
                "pyproject.toml" => project.pyproject = Some(content.text),
                _ => project.makefile = Some(content.text),
            }
        }
        for python in PYTHONS {
            if project.own_python.is_none()
                && context.workspace.stat(&project.within(python)).await?.is_some()
            {
                project.own_python = Some(python);
            }
        }
        if project.files.is_empty() {
            project.python = project.has(&["*.py"], context).await?;
            project.python_tests = project.has(PYTHON_TESTS, context).await?;
        }
        Ok(project)
    }

    /// A path in it, relative to the workspace.
    fn within(&self, path: &str) -> String {
        match &self.folder {
            Some(folder) => format!("{folder}/{path}"),
            None => path.to_owned(),
        }
    }

    async fn has(&self, globs: &[&str], context: &ToolContext) -> Result<bool, ToolError> {
        let globs: Vec<String> = globs.iter().map(|glob| self.within(glob)).collect();
        let folder = self.folder.as_deref().unwrap_or(".");
        let found = context.workspace.list(folder, &globs, None, 1).await?;
        Ok(!found.files.is_empty())
    }

    /// A command line of it, from the workspace's root.
    pub(crate) fn line(&self, line: &str) -> String {
        match &self.folder {
            Some(folder) => format!("cd {} && {line}", quoted(folder)),
            None => line.to_owned(),
        }
    }

    /// What is said where nothing is found: where else to look.
    pub(crate) async fn elsewhere(&self, context: &ToolContext) -> Result<String, ToolError> {
        let place = self.folder.as_deref().unwrap_or("the workspace's root");
        if self.folder.is_some() {
            return Ok(format!("{place}; use shell"));
        }
        let globs: Vec<String> = PROJECTS.iter().map(|glob| (*glob).to_owned()).collect();
        let found = context.workspace.list(".", &globs, None, 200).await?;
        let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let mut folders: Vec<String> =
            found.files.iter().filter_map(|file| folder(&file.path)).collect();
        folders.sort_by_key(|folder| (folder.matches('/').count(), folder.clone()));
        folders.dedup();
        folders.truncate(NAMED);
        Ok(match folders.as_slice() {
            [] => format!("{place}; use shell"),
            folders => format!("{place}; name one of these as path: {}", folders.join(", ")),
        })
    }

    pub(crate) fn has_file(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    /// A script of `package.json`.
    pub(crate) fn script(&self, name: &str) -> Option<&str> {
        self.package.as_ref()?.as_ref().ok()?["scripts"][name].as_str()
    }

    /// Whether `pyproject.toml` configures that tool.
    pub(crate) fn is_tool(&self, name: &str) -> bool {
        let table = format!("[tool.{name}");
        self.pyproject.as_deref().is_some_and(|text| {
            text.lines().any(|line| {
                line.trim().strip_prefix(&table).is_some_and(|rest| rest.starts_with([']', '.']))
            })
        })
    }

    /// Whether the makefile has a target of that name, or may get it from another file.
    pub(crate) fn has_target(&self, name: &str) -> bool {
        self.makefile.as_deref().is_some_and(|text| {
            text.lines().any(|line| {
                let names = line.split_once(':').filter(|(_, rest)| !rest.starts_with('='));
                names.is_some_and(|(names, _)| names.split_whitespace().any(|it| it == name))
                    && !line.starts_with('\t')
            })
        })
    }

    /// The Python that runs it.
    pub(crate) fn python(&self) -> &'static str {
        self.own_python.unwrap_or("python3")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_where_make_would() {
        let make = |text: &str| Project { makefile: Some(text.to_owned()), ..Project::default() };
        assert!(make("check : x\n").has_target("check"));
        assert!(make("all check: x\n").has_target("check"));
        assert!(!make("checks: x\n\tcheck:\n").has_target("check"));
        assert!(!make("check := x\n").has_target("check"));
    }

    #[test]
    fn a_line_runs_in_its_folder() {
        let of = |folder: Option<&str>| Project {
            folder: folder.map(str::to_owned),
            ..Project::default()
        };
        assert_eq!(of(None).line("make test"), "make test");
        assert_eq!(of(Some("a b")).line("make test"), "cd 'a b' && make test");
    }
}
