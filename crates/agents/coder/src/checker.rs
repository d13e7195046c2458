//! The checkers that are known: what looks over a project without running its tests.

use crate::project::Project;
use crate::test_digest::{Digest, cargo, plain};

/// One way to check a project.
pub(crate) struct Checker {
    /// Whether it checks this project; the second, whether style is asked for as well.
    fits: fn(&Project, bool) -> bool,
    /// The command line. Works without a network and changes no file of the project's own. `python3` in front is the
    /// project's own, where it has one.
    pub(crate) line: &'static str,
    /// Variables that keep its output plain and itself from the network.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// What of its output tells what is wrong.
    pub(crate) digest: fn(&str) -> Digest,
}

const CARGO: &[(&str, &str)] =
    &[("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_PROGRESS_WHEN", "never")];
const NODE: &[(&str, &str)] = &[("CI", "1"), ("NO_COLOR", "1"), ("npm_config_offline", "true")];
const PYTHON: &[(&str, &str)] = &[("NO_COLOR", "1")];
const GO: &[(&str, &str)] = &[("GOPROXY", "off"), ("GOTOOLCHAIN", "local")];

/// Every known checker; the first that fits checks the project.
pub(crate) const CHECKERS: &[Checker] = &[
    Checker {
        fits: |project, lint| lint && project.has_file("Cargo.toml"),
        line: "cargo clippy --offline --all-targets",
        environment: CARGO,
        digest: cargo::diagnostics,
    },
    Checker {
        fits: |project, _| project.has_file("Cargo.toml"),
        line: "cargo check --offline --all-targets",
        environment: CARGO,
        digest: cargo::diagnostics,
    },
    Checker {
        fits: |project, _| project.has_file("go.mod"),
        line: "go vet ./...",
        environment: GO,
        digest: plain::digest,
    },
    Checker {
        fits: |project, lint| lint && project.script("lint").is_some(),
        line: "npm run lint --silent",
        environment: NODE,
        digest: plain::digest,
    },
    Checker {
        fits: |project, _| project.has_file("tsconfig.json"),
        line: "npx --no-install tsc --noEmit --pretty false",
        environment: NODE,
        digest: plain::digest,
    },
    Checker {
        fits: |project, _| project.script("lint").is_some(),
        line: "npm run lint --silent",
        environment: NODE,
        digest: plain::digest,
    },
    Checker {
        fits: |project, _| project.has_file("mypy.ini") || project.is_tool("mypy"),
        line: "python3 -m mypy --no-color-output --no-error-summary .",
        environment: PYTHON,
        digest: plain::digest,
    },
    Checker {
        fits: |project, _| {
            project.has_file("ruff.toml")
                || project.has_file(".ruff.toml")
                || project.is_tool("ruff")
        },
        line: "ruff check --no-fix --output-format concise .",
        environment: PYTHON,
        digest: plain::digest,
    },
    Checker {
        fits: |project, _| is_python(project),
        // What is compiled goes to the private temporary folder, not beside the sources.
        line: "python3 -X pycache_prefix=\"$TMPDIR\" -m compileall -q -x '/(\\.|node_modules/|venv/)' .",
        environment: PYTHON,
        digest: plain::digest,
    },
    Checker {
        fits: |project, _| project.has_target("check"),
        line: "make check",
        environment: &[],
        digest: plain::digest,
    },
];

/// What checks a project; with `lint`, its style as well.
pub(crate) fn detect(project: &Project, lint: bool) -> Option<&'static Checker> {
    CHECKERS.iter().find(|checker| (checker.fits)(project, lint))
}

impl Checker {
    /// The command line for a project.
    pub(crate) fn line_for(&self, project: &Project) -> String {
        let line = match self.line.strip_prefix("python3 ") {
            Some(rest) => format!("{} {rest}", project.python()),
            None => self.line.to_owned(),
        };
        project.line(&line)
    }
}

fn is_python(project: &Project) -> bool {
    const MARKERS: [&str; 3] = ["pyproject.toml", "setup.py", "setup.cfg"];
    project.python || MARKERS.iter().any(|name| project.has_file(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[&str], lint: bool, expected: Option<&str>) {
        let files = files.iter().map(|name| (*name).to_owned()).collect();
        let project = Project {
            files,
            package: Some(Ok(serde_json::json!({ "scripts": { "lint": "eslint ." } }))),
            pyproject: Some("[project]\nname = \"x\"\n".to_owned()),
            makefile: Some("all: check\ncheck: all\n\t./check\n".to_owned()),
            ..Project::default()
        };
        let line = detect(&project, lint).map(|checker| checker.line);
        assert_eq!(line.map(|line| line.split(" -").next().unwrap()), expected);
    }

    #[test]
    fn a_project_is_known_by_its_files() {
        check(&["Cargo.toml", "Makefile"], false, Some("cargo check"));
        check(&["Cargo.toml"], true, Some("cargo clippy"));
        check(&["go.mod"], false, Some("go vet ./..."));
        check(&["tsconfig.json", "package.json"], false, Some("npx"));
        check(&["tsconfig.json", "package.json"], true, Some("npm run lint"));
    }

    #[test]
    fn what_a_project_configures_comes_before_what_it_is() {
        let python = |text: &str| Project {
            files: vec!["pyproject.toml".to_owned()],
            pyproject: Some(text.to_owned()),
            ..Project::default()
        };
        let line = |text: &str| detect(&python(text), false).map(|checker| checker.line).unwrap();
        assert!(line("[tool.mypy]\nstrict = true").contains("mypy"));
        assert!(line("[tool.ruff.lint]\n").starts_with("ruff"));
        assert!(line("[tool.ruffian]\n").contains("compileall"));
        assert!(line("").contains("compileall"));
    }

    #[test]
    fn a_makefile_checks_only_with_such_a_target() {
        let make = |text: &str| Project { makefile: Some(text.to_owned()), ..Project::default() };
        assert_eq!(detect(&make("check : x\n"), false).map(|found| found.line), Some("make check"));
        assert!(detect(&make("checks: x\n\tcheck:\n"), false).is_none());
    }
}
