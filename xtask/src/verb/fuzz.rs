//! `fuzz`: every fuzz target for a bounded time.
//!
//! The targets stand in `fuzz/`, where `cargo fuzz` finds them too. Here they are built with the compiler that builds the
//! rest, with coverage and without a sanitizer, which wants a nightly one.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::step::Step;
use crate::verb::setup;
use crate::workshop::Workshop;

/// Arguments of `fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this target.
    target: Option<String>,
    /// How long each one runs.
    #[arg(long, value_name = "SECONDS", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
}

/// All targets, and the longest input that each is given.
const TARGETS: &[(&str, u32)] = &[
    ("message_json", 8_192),
    ("message_string", 8_192),
    ("manifest", 8_192),
    ("definition", 8_192),
    ("guest", 4_096),
];

/// What has the compiler count which edges were taken (LLVM, SanitizerCoverage), as libFuzzer reads it.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                        -Cllvm-args=-sanitizer-coverage-pc-table \
                        -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing";

/// What is built for: named, so that build scripts and macros have no coverage.
fn host() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// Does it. Every target runs, whatever another one found.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    let chosen: Vec<_> = TARGETS
        .iter()
        .filter(|(name, _)| args.target.as_deref().is_none_or(|wanted| wanted == *name))
        .collect();
    if chosen.is_empty() {
        let known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        bail!("no fuzz target is called so; there is: {}", known.join(", "));
    }
    setup::ensure(workshop)?;
    let built = workshop.target.join("fuzz");
    let folder = workshop.root.join("fuzz");
    build(workshop, &built).within(&folder).run()?;
    let mut found = Vec::new();
    for (name, longest) in chosen {
        println!("── {name}");
        // What was found before is gone on from; the seeds stay as they are.
        let corpus = built.join("corpus").join(name);
        let findings = built.join("findings").join(name);
        for made in [&corpus, &findings] {
            fs::create_dir_all(made).with_context(|| made.display().to_string())?;
        }
        let program = built.join(host()).join("release").join(name);
        let step = Step::new(&program.to_string_lossy(), &[])
            .and(&[&format!("-max_total_time={}", args.seconds), &format!("-max_len={longest}")])
            .and(&["-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=1"])
            .and(&[&format!("-artifact_prefix={}/", findings.display())])
            .and(&[&corpus.to_string_lossy(), &folder.join("seeds").join(name).to_string_lossy()]);
        if let Err(error) = step.run() {
            eprintln!("{error:#}");
            found.push(format!("{name} (the input lies in {})", findings.display()));
        }
    }
    if !found.is_empty() {
        bail!("found by fuzzing: {}", found.join(", "));
    }
    println!("\nfuzz result: ok");
    Ok(())
}

fn build(workshop: &Workshop, built: &std::path::Path) -> Step {
    let locked: &[&str] = if workshop.ci { &["--locked"] } else { &[] };
    Step::cargo(&["build", "--release", "--target", &host()])
        .and(locked)
        .with("CARGO_TARGET_DIR", &built.to_string_lossy())
        .with("RUSTFLAGS", COVERAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file_its_seeds_and_its_row() {
        let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        let mut files: Vec<String> = fs::read_dir(fuzz.join("fuzz_targets"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".rs", ""))
            .collect();
        files.sort();
        let mut rows: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        rows.sort_unstable();
        assert_eq!(files, rows);
        for name in rows {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(fs::read_dir(fuzz.join("seeds").join(name)).unwrap().count() > 0, "{name}");
        }
    }
}
