//! The test runners that are known, and which of them tests a project.

use crate::command::quoted;
use crate::project::Project;
use crate::test_digest::{Digest, cargo, go, node, plain, pytest};

/// One way to run a project's tests.
pub(crate) struct Runner {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Whether it tests this project.
    fits: fn(&Project) -> bool,
    /// The command line, for tests whose name has the given text. Works without a network.
    pub(crate) line: fn(&Project, Option<&str>) -> String,
    /// Variables that keep its output plain and itself from the network.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// What of its output tells why tests failed.
    pub(crate) digest: fn(&str) -> Digest,
    /// Exit codes by which it says that it had nothing to run.
    pub(crate) nothing: &'static [i32],
    /// Exit codes by which it says that it could not run.
    pub(crate) broken: &'static [i32],
}

/// What npm writes into a new `package.json` in the place of a test script.
const NO_SCRIPT: &str = "Error: no test specified";

/// Every known runner; the first that fits a project tests it.
pub(crate) const RUNNERS: &[Runner] = &[
    Runner {
        name: "cargo",
        fits: |project| project.has_file("Cargo.toml"),
        line: |_, filter| with("cargo test --offline --no-fail-fast", "", filter),
        environment: &[("CARGO_TERM_COLOR", "never"), ("CARGO_TERM_PROGRESS_WHEN", "never")],
        digest: cargo::digest,
        nothing: &[],
        broken: &[],
    },
    Runner {
        name: "go",
        fits: |project| project.has_file("go.mod"),
        line: |_, filter| with("go test ./...", "-run ", filter),
        environment: &[("GOPROXY", "off"), ("GOTOOLCHAIN", "local")],
        digest: go::digest,
        nothing: &[],
        broken: &[],
    },
    Runner {
        name: "pytest",
        fits: is_python,
        line: |project, filter| {
            let python = project.python();
            with(&format!("{python} -m pytest -q --tb=short -p no:cacheprovider"), "-k ", filter)
        },
        environment: &[("NO_COLOR", "1"), ("PYTHONDONTWRITEBYTECODE", "1")],
        digest: pytest::digest,
        // Of pytest's documentation, "Exit codes": 3 is its own fault, 4 its command line's, 5 that nothing was there.
        nothing: &[5],
        broken: &[3, 4],
    },
    Runner {
        name: "npm",
        fits: |project| project.script("test").is_some_and(|line| !line.contains(NO_SCRIPT)),
        line: |project, filter| {
            let script = project.script("test").unwrap_or_default();
            with("npm test --silent", &format!("-- {}", name_option(script)), filter)
        },
        environment: &[("CI", "1"), ("NO_COLOR", "1"), ("npm_config_offline", "true")],
        digest: node::digest,
        nothing: &[],
        broken: &[],
    },
    Runner {
        name: "make",
        fits: |project| project.has_target("test"),
        line: |_, filter| with("make test", "TEST=", filter),
        environment: &[],
        digest: plain::digest,
        nothing: &[],
        broken: &[],
    },
    Runner {
        name: "make check",
        fits: |project| project.has_target("check"),
        line: |_, filter| with("make check", "TESTS=", filter),
        environment: &[],
        digest: plain::digest,
        nothing: &[],
        broken: &[],
    },
];

fn is_python(project: &Project) -> bool {
    const MARKERS: [&str; 6] =
        ["pytest.ini", "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "conftest.py"];
    project.python_tests || MARKERS.iter().any(|marker| project.has_file(marker))
}

/// The option by which the runner that a script starts is given a part of a test's name.
fn name_option(script: &str) -> &'static str {
    let starts = |program: &str| script.split_whitespace().any(|word| word == program);
    if script.contains("node --test") || starts("tsx") {
        "--test-name-pattern="
    } else if starts("mocha") {
        "-g "
    } else if starts("ava") {
        "--match "
    } else {
        "-t "
    }
}

/// Which runner tests a project.
pub(crate) fn detect(project: &Project) -> Option<&'static Runner> {
    RUNNERS.iter().find(|runner| (runner.fits)(project))
}

/// Why a project with a known file has no runner, where that can be said.
pub(crate) fn without(project: &Project) -> Option<String> {
    match &project.package {
        Some(Err(error)) => Some(format!("package.json can't be read: {error}")),
        Some(Ok(_)) => Some("package.json has no script `test`".to_owned()),
        None if project.makefile.is_some() => {
            Some("the makefile has no target `test` or `check`".to_owned())
        }
        None => None,
    }
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

    fn project(files: &[&str], script: &str, makefile: &str) -> Project {
        Project {
            files: files.iter().map(|name| (*name).to_owned()).collect(),
            package: (!script.is_empty())
                .then(|| Ok(serde_json::json!({ "scripts": { "test": script } }))),
            makefile: (!makefile.is_empty()).then(|| makefile.to_owned()),
            ..Project::default()
        }
    }

    #[track_caller]
    fn check(project: &Project, expected: Option<&str>) {
        assert_eq!(detect(project).map(|runner| runner.name), expected);
    }

    #[test]
    fn a_project_is_known_by_its_files() {
        check(&project(&["Cargo.toml", "Makefile"], "", "test:\n"), Some("cargo"));
        check(&project(&["Makefile", "go.mod"], "", "test:\n"), Some("go"));
        check(&project(&["package.json", "pyproject.toml"], "jest", ""), Some("pytest"));
        check(&project(&["package.json"], "jest", ""), Some("npm"));
        check(&project(&["package.json", "Makefile"], "", "test: x\n"), Some("make"));
        check(&project(&["Makefile"], "", "check: x\n"), Some("make check"));
        check(&project(&["README.md"], "", ""), None);
        check(&Project { python_tests: true, ..Project::default() }, Some("pytest"));
    }

    #[test]
    fn what_has_no_tests_says_why() {
        let fresh = project(&["package.json"], "echo \"Error: no test specified\" && exit 1", "");
        check(&fresh, None);
        assert_eq!(without(&fresh).as_deref(), Some("package.json has no script `test`"));
        let broken = Project { package: Some(Err("line 1".into())), ..Project::default() };
        assert_eq!(without(&broken).as_deref(), Some("package.json can't be read: line 1"));
        let make = project(&["Makefile"], "", "all:\n");
        assert!(detect(&make).is_none() && without(&make).is_some());
        assert_eq!(without(&Project::default()), None);
    }

    #[test]
    fn a_filter_is_one_word() {
        let (cargo, any) = (&RUNNERS[0], Project::default());
        assert_eq!(
            (cargo.line)(&any, Some("a b; rm x")),
            "cargo test --offline --no-fail-fast 'a b; rm x'"
        );
        assert_eq!(
            (cargo.line)(&any, Some("it's")),
            "cargo test --offline --no-fail-fast 'it'\\''s'"
        );
        assert_eq!((cargo.line)(&any, None), "cargo test --offline --no-fail-fast");
    }

    #[test]
    fn each_runner_behind_npm_has_its_own_option() {
        for (script, option) in [
            ("jest --ci", "-t x"),
            ("vitest run", "-t x"),
            ("node --test", "--test-name-pattern=x"),
            ("mocha -r ts-node/register", "-g x"),
            ("ava", "--match x"),
        ] {
            let project = project(&["package.json"], script, "");
            let line = (detect(&project).unwrap().line)(&project, Some("x"));
            assert_eq!(line, format!("npm test --silent -- {option}"));
        }
    }

    #[test]
    fn a_projects_own_python_tests_it() {
        let own = Project {
            own_python: Some(".venv/bin/python"),
            ..project(&["pyproject.toml"], "", "")
        };
        assert!((detect(&own).unwrap().line)(&own, None).starts_with(".venv/bin/python -m pytest"));
    }
}
