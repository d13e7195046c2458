//! `demo`: from a fresh checkout to a mended test, with a model on this machine.

mod report;
mod sample;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::report::{Run, Totals};
use self::sample::Sample;
use crate::machine::{Machine, commit};
use crate::step::Step;
use crate::verb::setup;
use crate::workshop::Workshop;

/// What the agent is asked to do.
const TASK: &str =
    "One test of this crate fails. Find the bug in src/ and fix it. Do not change the tests.";

/// Where the table of repeated runs goes.
const RESULTS: &str = "docs/demo-results.md";

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model: `PROVIDER/NAME`. A `local/` one is fetched first.
    #[arg(long, default_value = "local/qwen2.5-coder-1.5b")]
    model: String,
    /// The sample repository, a folder of `examples/`.
    #[arg(long, default_value = "invoice")]
    sample: String,
    /// Makes the model's draws repeatable.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs so many times, with the seeds from 1 on (or from `--seed` on), and ends with a table.
    #[arg(long, value_name = "N")]
    repeat: Option<u32>,
    /// With `--repeat`: writes the table to docs/demo-results.md.
    #[arg(long, requires = "repeat")]
    write: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    setup::ensure(workshop)?;
    let bottega = build(workshop)?;
    if let Some(name) = args.model.strip_prefix("local/") {
        Step::new(&bottega.to_string_lossy(), &["model", "pull", name]).run()?;
    }
    // Not below the build folder: the agent's sandbox gets a folder of its own.
    let home = tempfile::Builder::new().prefix("bottega-demo-").tempdir()?.keep().canonicalize()?;
    match args.repeat {
        None => once(args, workshop, &bottega, &home),
        Some(times) => repeated(args, times, workshop, &bottega, &home),
    }
}

fn build(workshop: &Workshop) -> Result<PathBuf> {
    Step::cargo(&["build", "--release", "--package", "bottega"]).within(&workshop.root).run()?;
    Ok(workshop.target.join("release/bottega"))
}

fn once(args: &Args, workshop: &Workshop, bottega: &Path, home: &Path) -> Result<()> {
    let sample =
        Sample::copy(&workshop.root.join("examples").join(&args.sample), &home.join(&args.sample))?;
    println!("── the failing test, in {}", sample.folder().display());
    println!("{}", sample.must_fail()?);
    println!("── the agent");
    let step = agent(args, bottega, args.seed, sample.folder());
    let began = Instant::now();
    let ending = step.run();
    let seconds = began.elapsed();
    if let Err(error) = &ending {
        eprintln!("{error:#}");
    }
    println!("── the change\n{}", sample.diff()?);
    println!("── the test");
    let verdict = sample.verdict()?;
    println!("{verdict}");
    println!("── what it took");
    let totals = totals(bottega, sample.folder())?;
    print!("{}", report::figures(&args.model, &totals, seconds));
    println!("── look further");
    print!("{}", report::further(bottega, sample.folder(), &totals.session));
    if !verdict.solved() {
        bail!("the agent did not mend the test; `--seed` gives it other luck");
    }
    Ok(())
}

fn repeated(
    args: &Args,
    times: u32,
    workshop: &Workshop,
    bottega: &Path,
    home: &Path,
) -> Result<()> {
    let first = args.seed.unwrap_or(1);
    let mut runs = Vec::new();
    for seed in first..first + u64::from(times) {
        let folder = home.join(format!("seed-{seed}"));
        let sample = Sample::copy(&workshop.root.join("examples").join(&args.sample), &folder)?;
        sample.must_fail()?;
        let (status, seconds) = unwatched(&agent(args, bottega, Some(seed), &folder), &folder)?;
        let run = Run {
            seed,
            solved: sample.verdict()?.solved(),
            exit: status,
            seconds: seconds.as_secs_f64(),
            totals: totals(bottega, sample.folder())?,
        };
        println!("{run}");
        runs.push(run);
    }
    let text =
        report::page(&args.model, &args.sample, TASK, &runs, &Machine::here(), &commit(workshop));
    println!("\n{text}");
    if args.write {
        fs::write(workshop.root.join(RESULTS), text)?;
        println!("written to {RESULTS}");
    }
    Ok(())
}

/// The agent's command line. Cargo's build folder is taken out of its surroundings: what the agent
/// builds belongs to the folder it may write.
fn agent(args: &Args, bottega: &Path, seed: Option<u64>, folder: &Path) -> Step {
    let mut step = Step::new(
        &bottega.to_string_lossy(),
        &["run", "--model", &args.model, "--access-mode", "auto"],
    );
    if let Some(seed) = seed {
        step = step.and(&["--seed", &seed.to_string()]);
    }
    step.and(&[TASK]).without("CARGO_TARGET_DIR").within(folder)
}

/// Runs a step with its output in a file beside the folder.
fn unwatched(step: &Step, folder: &Path) -> Result<(Option<i32>, Duration)> {
    let log = File::create(folder.with_extension("log"))?;
    let began = Instant::now();
    let status = step
        .command()
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .with_context(|| format!("`{step}` can't be started"))?;
    Ok((status.code(), began.elapsed()))
}

/// What the session in this folder took, as the journal tells it.
fn totals(bottega: &Path, folder: &Path) -> Result<Totals> {
    let list = Step::new(&bottega.to_string_lossy(), &["sessions", "list", "--json"])
        .within(folder)
        .capture()?;
    report::totals_of(&list, folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_runs_in_the_sample_with_its_own_build_folder() {
        let args = Args {
            model: "local/m".to_owned(),
            sample: "s".to_owned(),
            seed: None,
            repeat: None,
            write: false,
        };
        let step = agent(&args, Path::new("/t/bottega"), Some(7), Path::new("/w"));
        assert_eq!(
            step.to_string(),
            format!("/t/bottega run --model local/m --access-mode auto --seed 7 '{TASK}'")
        );
        let command = step.command();
        assert_eq!(command.get_current_dir(), Some(Path::new("/w")));
        assert!(
            command.get_envs().any(|(name, value)| name == "CARGO_TARGET_DIR" && value.is_none())
        );
    }
}
