//! `test`: the whole suite, or one crate's.

use anyhow::{Result, bail};

use crate::step::{Step, Stream};
use crate::tally::Tally;
use crate::test_model;
use crate::verb::setup;
use crate::workshop::Workshop;

/// Arguments of `test`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Only these crates; `bottega-` may be left out.
    #[arg(short, long, value_name = "CRATE")]
    package: Vec<String>,
    /// Only tests whose name holds this.
    filter: Option<String>,
}

/// Who runs the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// cargo-nextest: a process per test, slow tests marked and ended.
    Nextest,
    /// The harness that comes with cargo.
    Cargo,
}

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// A person, who wants to know soon.
    ByPerson,
    /// CI, which wants to know all.
    ByCi,
}

/// Crates whose tests load a model.
const WITH_MODEL: &[&str] = &["bottega-local-model", "bottega-e2e", "bottega"];

/// The crate whose tests open pages in a browser.
const WITH_BROWSER: &str = "bottega-e2e";

/// A crate whose tests need a feature, so that what is off by default is tested too: in the same build as all others, which
/// `check` sees without it.
pub(super) const WITH_FEATURE: (&str, &str) =
    ("bottega-sandbox-wasm", "bottega-sandbox-wasm/extism");

/// A crate with models for the checker `loom`, which takes the place of its locks and atomics: the feature that does so, and
/// the module of the models. They are built by themselves, for nothing else of the crate works with that feature.
const WITH_MODELS: (&str, &str, &str) = ("bottega-actor", "loom", "models::");

/// Does it.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    setup::ensure(workshop)?;
    // A person installs a browser when they want one; without, the tests of pages say so and pass.
    if workshop.ci
        && wants_browser(&args.package)
        && let Err(error) = setup::ensure_browser(workshop)
    {
        println!("no page is looked at in a browser: {error:#}");
    }
    let model = if wants_model(&args.package) { Some(test_model::ensure(workshop)?) } else { None };
    let runner = if workshop.has("cargo-nextest") { Runner::Nextest } else { Runner::Cargo };
    let watched = if workshop.ci { Watched::ByCi } else { Watched::ByPerson };

    let mut tally = Tally::default();
    let mut broken = Vec::new();
    for (step, stream) in plan(args, runner, watched) {
        let step = match &model {
            Some(path) => step.with(test_model::VARIABLE, &path.to_string_lossy()),
            None => step,
        };
        let status = step.within(&workshop.root).watch(stream, |line| tally.read(line))?;
        if !status.success() {
            broken.push(status.to_string());
        }
    }
    let verdict = if broken.is_empty() && tally.failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {tally}");
    if verdict != "ok" {
        bail!("the tests failed ({})", broken.join(", "));
    }
    Ok(())
}

/// The command lines, and for each the stream that ends with the runner's counts.
fn plan(args: &Args, runner: Runner, watched: Watched) -> Vec<(Step, Stream)> {
    let packages: Vec<String> = args.package.iter().map(|name| full_name(name)).collect();
    let mut selection: Vec<&str> = Vec::new();
    for package in &packages {
        selection.extend(["--package", package]);
    }
    if selection.is_empty() {
        selection.push("--workspace");
    }
    let (package, feature) = WITH_FEATURE;
    if packages.is_empty() || packages.iter().any(|name| name == package) {
        selection.extend(["--features", feature]);
    }
    if watched == Watched::ByCi {
        selection.push("--locked");
    }
    let filter = args.filter.as_deref();
    let (package, feature, module) = WITH_MODELS;
    let mut models: Vec<&str> = Vec::new();
    if filter.is_none() && (packages.is_empty() || packages.iter().any(|name| name == package)) {
        models.extend(["--package", package, "--features", feature, "--lib"]);
        if watched == Watched::ByCi {
            models.push("--locked");
        }
        models.push(module);
    }
    match runner {
        Runner::Cargo => {
            let step = Step::cargo(&["test", "--no-fail-fast"]);
            let mut steps =
                vec![(step.clone().and(&selection).and(filter.as_slice()), Stream::Out)];
            if !models.is_empty() {
                steps.push((step.and(&models), Stream::Out));
            }
            steps
        }
        Runner::Nextest => {
            let profile = match watched {
                Watched::ByPerson => "default",
                Watched::ByCi => "ci",
            };
            let step = Step::cargo(&["nextest", "run", "--profile", profile]);
            let suite = step.clone().and(&["--no-tests", "pass"]).and(&selection);
            let mut steps = vec![(suite.and(filter.as_slice()), Stream::Err)];
            if !models.is_empty() {
                steps.push((step.and(&models), Stream::Err));
            }
            // nextest leaves doctests to the harness; crates without a library have none.
            if filter.is_none() && packages.iter().all(|name| has_library(name)) {
                steps.push((
                    Step::cargo(&["test", "--doc", "--no-fail-fast"]).and(&selection),
                    Stream::Out,
                ));
            }
            steps
        }
    }
}

fn full_name(package: &str) -> String {
    match package {
        "xtask" | "bottega" => package.to_owned(),
        name if name.starts_with("bottega-") => name.to_owned(),
        name => format!("bottega-{name}"),
    }
}

fn has_library(package: &str) -> bool {
    !matches!(package, "xtask" | "bottega")
}

/// Whether pages are opened in a browser among these.
fn wants_browser(packages: &[String]) -> bool {
    packages.is_empty() || packages.iter().any(|name| full_name(name) == WITH_BROWSER)
}

fn wants_model(packages: &[String]) -> bool {
    packages.is_empty()
        || packages.iter().any(|name| WITH_MODEL.contains(&full_name(name).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        packages: &[&str],
        filter: Option<&str>,
        runner: Runner,
        watched: Watched,
        expected: &[&str],
    ) {
        let args = Args {
            package: packages.iter().map(|&name| name.to_owned()).collect(),
            filter: filter.map(str::to_owned),
        };
        let steps: Vec<_> =
            plan(&args, runner, watched).iter().map(|(step, _)| step.to_string()).collect();
        assert_eq!(steps, expected);
    }

    #[test]
    fn the_whole_suite_has_doctests_whoever_runs_it() {
        check(
            &[],
            None,
            Runner::Cargo,
            Watched::ByCi,
            &[
                "cargo test --no-fail-fast --workspace --features bottega-sandbox-wasm/extism --locked",
                "cargo test --no-fail-fast --package bottega-actor --features loom --lib --locked models::",
            ],
        );
        check(
            &[],
            None,
            Runner::Nextest,
            Watched::ByCi,
            &[
                "cargo nextest run --profile ci --no-tests pass --workspace --features bottega-sandbox-wasm/extism --locked",
                "cargo nextest run --profile ci --package bottega-actor --features loom --lib --locked models::",
                "cargo test --doc --no-fail-fast --workspace --features bottega-sandbox-wasm/extism --locked",
            ],
        );
    }

    #[test]
    fn one_crate_goes_by_its_short_name() {
        check(
            &["store"],
            Some("chain"),
            Runner::Nextest,
            Watched::ByPerson,
            &["cargo nextest run --profile default --no-tests pass --package bottega-store chain"],
        );
        check(
            &["xtask", "bottega"],
            None,
            Runner::Nextest,
            Watched::ByPerson,
            &[
                "cargo nextest run --profile default --no-tests pass --package xtask --package bottega",
            ],
        );
    }

    #[test]
    fn the_crate_with_models_has_them_run_and_who_looks_for_a_test_does_not() {
        check(
            &["actor"],
            None,
            Runner::Cargo,
            Watched::ByPerson,
            &[
                "cargo test --no-fail-fast --package bottega-actor",
                "cargo test --no-fail-fast --package bottega-actor --features loom --lib models::",
            ],
        );
        let expected = ["cargo test --no-fail-fast --package bottega-actor restarts"];
        check(&["actor"], Some("restarts"), Runner::Cargo, Watched::ByPerson, &expected);
    }

    #[test]
    fn a_model_is_fetched_for_those_who_load_one() {
        assert!(wants_model(&[]));
        assert!(wants_model(&["local-model".to_owned()]));
        assert!(!wants_model(&["store".to_owned()]));
    }

    #[test]
    fn a_browser_is_installed_for_those_who_open_one() {
        assert!(wants_browser(&[]));
        assert!(wants_browser(&["e2e".to_owned()]));
        assert!(!wants_browser(&["server".to_owned()]));
    }
}
