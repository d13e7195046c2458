//! The checkers that are known: what looks over a project without running its tests.

use crate::test_digest::{Digest, cargo, plain};

/// What is known of a project before a checker is chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signs {
    /// Which of [`MARKERS`] are there.
    pub(crate) files: Vec<String>,
    /// What `package.json` holds.
    pub(crate) package: Option<String>,
    /// What `pyproject.toml` holds.
    pub(crate) pyproject: Option<String>,
    /// What the makefile holds.
    pub(crate) makefile: Option<String>,
    /// Whether there is Python code at all.
    pub(crate) python: bool,
}

/// One way to check a project.
pub(crate) struct Checker {
    /// Whether it checks a project with these signs; the second, whether style is asked for as well.
    fits: fn(&Signs, bool) -> bool,
    /// The command line. Works without a network and changes no file of the project's own.
    pub(crate) line: &'static str,
    /// Variables that keep its output plain and itself from the network.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// What of its output tells what is wrong.
    pub(crate) digest: fn(&str) -> Digest,
}

/// Files at a project's root that are looked for.
pub(crate) const MARKERS: &[&str] = &[
    "Cargo.toml",
    "tsconfig.json",
    "package.json",
    "go.mod",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    "Makefile",
    "makefile",
    "GNUmakefile",
];

const CARGO: &[(&str, &str)] =
    &[("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_PROGRESS_WHEN", "never")];
const NODE: &[(&str, &str)] = &[("CI", "1"), ("NO_COLOR", "1"), ("npm_config_offline", "true")];
const PYTHON: &[(&str, &str)] = &[("NO_COLOR", "1")];
const GO: &[(&str, &str)] = &[("GOPROXY", "off"), ("GOTOOLCHAIN", "local")];

/// Every known checker; the first that fits checks the project.
pub(crate) const CHECKERS: &[Checker] = &[
    Checker {
        fits: |signs, lint| lint && signs.has("Cargo.toml"),
        line: "cargo clippy --offline --all-targets",
        environment: CARGO,
        digest: cargo::diagnostics,
    },
    Checker {
        fits: |signs, _| signs.has("Cargo.toml"),
        line: "cargo check --offline --all-targets",
        environment: CARGO,
        digest: cargo::diagnostics,
    },
    Checker {
        fits: |signs, _| signs.has("go.mod"),
        line: "go vet ./...",
        environment: GO,
        digest: plain::digest,
    },
    Checker {
        fits: |signs, lint| lint && signs.has_script("lint"),
        line: "npm run lint --silent",
        environment: NODE,
        digest: plain::digest,
    },
    Checker {
        fits: |signs, _| signs.has("tsconfig.json"),
        line: "npx --no-install tsc --noEmit --pretty false",
        environment: NODE,
        digest: plain::digest,
    },
    Checker {
        fits: |signs, _| signs.has_script("lint"),
        line: "npm run lint --silent",
        environment: NODE,
        digest: plain::digest,
    },
    Checker {
        fits: |signs, _| signs.has("mypy.ini") || signs.is_tool("mypy"),
        line: "python3 -m mypy --no-color-output --no-error-summary .",
        environment: PYTHON,
        digest: plain::digest,
    },
    Checker {
        fits: |signs, _| signs.has("ruff.toml") || signs.has(".ruff.toml") || signs.is_tool("ruff"),
        line: "ruff check --no-fix --output-format concise .",
        environment: PYTHON,
        digest: plain::digest,
    },
    Checker {
        fits: |signs, _| signs.is_python(),
        // What is compiled goes to the private temporary folder, not beside the sources.
        line: "python3 -X pycache_prefix=\"$TMPDIR\" -m compileall -q -x '/(\\.|node_modules/|venv/)' .",
        environment: PYTHON,
        digest: plain::digest,
    },
    Checker {
        fits: |signs, _| signs.has_target("check"),
        line: "make check",
        environment: &[],
        digest: plain::digest,
    },
];

/// What checks a project with these signs; with `lint`, its style as well.
pub(crate) fn detect(signs: &Signs, lint: bool) -> Option<&'static Checker> {
    CHECKERS.iter().find(|checker| (checker.fits)(signs, lint))
}

impl Signs {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    /// Whether `package.json` has a script of that name.
    fn has_script(&self, name: &str) -> bool {
        let package = self
            .package
            .as_deref()
            .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        package.is_some_and(|package| package["scripts"][name].is_string())
    }

    /// Whether `pyproject.toml` configures that tool.
    fn is_tool(&self, name: &str) -> bool {
        let table = format!("[tool.{name}");
        self.pyproject.as_deref().is_some_and(|text| {
            text.lines().any(|line| {
                line.trim().strip_prefix(&table).is_some_and(|rest| rest.starts_with([']', '.']))
            })
        })
    }

    fn is_python(&self) -> bool {
        self.python || ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|name| self.has(name))
    }

    /// Whether the makefile has a target of that name.
    fn has_target(&self, name: &str) -> bool {
        self.makefile.as_deref().is_some_and(|text| {
            text.lines().any(|line| {
                line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':'))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[&str], lint: bool, expected: Option<&str>) {
        let files = files.iter().map(|name| (*name).to_owned()).collect();
        let signs = Signs {
            files,
            package: Some(r#"{"scripts":{"lint":"eslint ."}}"#.to_owned()),
            pyproject: Some("[project]\nname = \"x\"\n".to_owned()),
            makefile: Some("all: check\ncheck: all\n\t./check\n".to_owned()),
            python: false,
        };
        let line = detect(&signs, lint).map(|checker| checker.line);
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
        let python = |text: &str| Signs {
            files: vec!["pyproject.toml".to_owned()],
            pyproject: Some(text.to_owned()),
            ..Signs::default()
        };
        let line = |text: &str| detect(&python(text), false).map(|checker| checker.line).unwrap();
        assert!(line("[tool.mypy]\nstrict = true").contains("mypy"));
        assert!(line("[tool.ruff.lint]\n").starts_with("ruff"));
        assert!(line("[tool.ruffian]\n").contains("compileall"));
        assert!(line("").contains("compileall"));
    }

    #[test]
    fn a_makefile_checks_only_with_such_a_target() {
        let make = |text: &str| Signs { makefile: Some(text.to_owned()), ..Signs::default() };
        assert_eq!(detect(&make("check : x\n"), false).map(|found| found.line), Some("make check"));
        assert!(detect(&make("checks: x\n\tcheck:\n"), false).is_none());
    }
}
