//! The test runners that are known, and which of them tests a project.

use crate::command::quoted;
use crate::test_digest::{Digest, cargo, go, node, plain, pytest};

/// One way to run a project's tests.
pub(crate) struct Runner {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Files at a project's root, any of which says that this runner tests it.
    markers: &'static [&'static str],
    /// The command line, for tests whose name has the given text. Works without a network.
    pub(crate) line: fn(Option<&str>) -> String,
    /// Variables that keep its output plain and itself from the network.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// What of its output tells why tests failed.
    pub(crate) digest: fn(&str) -> Digest,
}

/// Every known runner; the first that fits a project tests it.
pub(crate) const RUNNERS: &[Runner] = &[
    Runner {
        name: "cargo",
        markers: &["Cargo.toml"],
        line: |filter| with("cargo test --offline --no-fail-fast", "", filter),
        environment: &[("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_PROGRESS_WHEN", "never")],
        digest: cargo::digest,
    },
    Runner {
        name: "go",
        markers: &["go.mod"],
        line: |filter| with("go test ./...", "-run ", filter),
        environment: &[("GOPROXY", "off"), ("GOTOOLCHAIN", "local")],
        digest: go::digest,
    },
    Runner {
        name: "pytest",
        markers: &[
            "pytest.ini",
            "pyproject.toml",
            "setup.cfg",
            "setup.py",
            "tox.ini",
            "conftest.py",
        ],
        line: |filter| with("python3 -m pytest -q --tb=short -p no:cacheprovider", "-k ", filter),
        environment: &[("NO_COLOR", "1"), ("PYTHONDONTWRITEBYTECODE", "1")],
        digest: pytest::digest,
    },
    Runner {
        name: "npm",
        markers: &["package.json"],
        line: |filter| with("npm test --silent", "-- -t ", filter),
        environment: &[("CI", "1"), ("NO_COLOR", "1"), ("npm_config_offline", "true")],
        digest: node::digest,
    },
    Runner {
        name: "make",
        markers: &["Makefile", "makefile", "GNUmakefile"],
        line: |filter| with("make test", "TEST=", filter),
        environment: &[],
        digest: plain::digest,
    },
];

/// All markers of all runners.
pub(crate) const MARKERS: &[&str] = &[
    "Cargo.toml",
    "go.mod",
    "pytest.ini",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "conftest.py",
    "package.json",
    "Makefile",
    "makefile",
    "GNUmakefile",
];

/// Test files of Python projects that have no other marker.
pub(crate) const TEST_FILES: &[&str] = &["test_*.py", "**/test_*.py", "**/*_test.py"];

/// Which runner tests a project that has these files.
pub(crate) fn detect(names: &[String]) -> Option<&'static Runner> {
    let at_root = RUNNERS
        .iter()
        .find(|runner| names.iter().any(|name| runner.markers.contains(&name.as_str())));
    let is_test = |name: &String| {
        let file = name.rsplit('/').next().unwrap_or(name);
        file.ends_with("_test.py") || (file.starts_with("test_") && file.ends_with(".py"))
    };
    at_root.or_else(|| {
        RUNNERS.iter().find(|runner| runner.name == "pytest" && names.iter().any(is_test))
    })
}

fn with(line: &str, option: &str, filter: Option<&str>) -> String {
    match filter {
        Some(filter) => format!("{line} {option}{}", quoted(filter)),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: Option<&str>) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(detect(&names).map(|runner| runner.name), expected);
    }

    #[test]
    fn a_project_is_known_by_its_files() {
        check(&["Cargo.toml", "Makefile"], Some("cargo"));
        check(&["Makefile", "go.mod"], Some("go"));
        check(&["package.json", "pyproject.toml"], Some("pytest"));
        check(&["package.json"], Some("npm"));
        check(&["Makefile"], Some("make"));
        check(&["tests/test_calc.py"], Some("pytest"));
        check(&["calc_test.py"], Some("pytest"));
        check(&["README.md", "contest.py"], None);
    }

    #[test]
    fn every_marker_is_looked_for() {
        let of_rows: Vec<&str> =
            RUNNERS.iter().flat_map(|runner| runner.markers).copied().collect();
        assert_eq!(of_rows, MARKERS);
    }

    #[test]
    fn a_filter_is_one_word() {
        let cargo = &RUNNERS[0];
        assert_eq!(
            (cargo.line)(Some("a b; rm x")),
            "cargo test --offline --no-fail-fast 'a b; rm x'"
        );
        assert_eq!((cargo.line)(Some("it's")), "cargo test --offline --no-fail-fast 'it'\\''s'");
        assert_eq!((cargo.line)(None), "cargo test --offline --no-fail-fast");
    }
}
