//! `check`: everything about the shape of the code that a machine can tell.

use anyhow::{Result, bail};

use crate::step::Step;
use crate::verb::setup;
use crate::workshop::Workshop;

/// One thing that is looked at.
struct Look {
    name: &'static str,
    step: Step,
}

/// Does it. Everything is looked at, whatever failed before.
pub(crate) fn run(workshop: &Workshop) -> Result<()> {
    setup::ensure(workshop)?;
    setup::ensure_components()?;
    let mut failed = Vec::new();
    for look in looks(workshop.ci) {
        println!("── {}", look.name);
        if let Err(error) = look.step.within(&workshop.root).run() {
            eprintln!("{error:#}");
            failed.push(look.name);
        }
    }
    println!("── dependencies");
    if workshop.has("cargo-deny") {
        if dependencies(&Step::cargo(DENY).within(&workshop.root)).is_err() {
            failed.push("dependencies");
        }
    } else {
        println!(
            "licences, bans and sources were checked by the house rules; cargo-deny is not installed"
        );
    }
    if !failed.is_empty() {
        bail!("not in order: {}", failed.join(", "));
    }
    println!("\ncheck result: ok");
    Ok(())
}

/// Advisories need a database from the network; `cargo deny check advisories` is for who has one.
const DENY: &[&str] = &["deny", "--offline", "--workspace", "check", "licenses", "bans", "sources"];

fn dependencies(deny: &Step) -> Result<()> {
    deny.run().inspect_err(|error| eprintln!("{error:#}"))
}

fn looks(ci: bool) -> Vec<Look> {
    let locked: &[&str] = if ci { &["--locked"] } else { &[] };
    vec![
        Look { name: "format", step: Step::cargo(&["fmt", "--all", "--check"]) },
        Look {
            name: "lints",
            step: Step::cargo(&["clippy", "--workspace", "--all-targets"])
                .and(locked)
                .and(&["--", "-D", "warnings"]),
        },
        Look {
            name: "house rules and licences",
            step: Step::cargo(&["test", "--quiet", "--package", "xtask", "--test", "house"])
                .and(locked),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_looks_are_these() {
        let steps: Vec<_> = looks(true).iter().map(|look| look.step.to_string()).collect();
        assert_eq!(
            steps,
            [
                "cargo fmt --all --check",
                "cargo clippy --workspace --all-targets --locked -- -D warnings",
                "cargo test --quiet --package xtask --test house --locked",
            ]
        );
    }
}
