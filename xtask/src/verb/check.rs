//! `check`: everything about the shape of the code that a machine can tell.

use anyhow::{Result, bail};

use crate::step::{Step, Stream};
use crate::tally::Tally;
use crate::verb::setup;
use crate::verb::test::WITH_FEATURE;
use crate::workshop::Workshop;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Writes the generated files anew instead of comparing them.
    #[arg(long)]
    regenerate: bool,
}

/// One thing that is looked at.
struct Look {
    name: &'static str,
    step: Step,
    proof: Proof,
}

/// What shows that it is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// The command succeeds.
    Success,
    /// The command succeeds, and it ran tests: a filter that fits nothing proves nothing.
    Tests,
}

/// Files made from the code, each held by a test that compares them, or writes them where [`REGENERATE`]
/// is set: what they are, the crate, its module of such tests.
const GENERATED: &[(&str, &str, &str)] =
    &[("generated: settings, page and schema", "bottega-config", "reference::")];

/// Makes those tests write.
const REGENERATE: &str = "UPDATE_REFERENCE";

/// Advisories need a database from the network; `cargo deny check advisories` is for who has one.
const DENY: &[&str] = &["deny", "--offline", "--workspace", "check", "licenses", "bans", "sources"];

/// Does it. Everything is looked at, whatever failed before.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    setup::ensure(workshop)?;
    if args.regenerate {
        return looks(workshop)
            .into_iter()
            .filter(|look| look.name.starts_with("generated"))
            .try_for_each(|look| look.step.with(REGENERATE, "1").within(&workshop.root).run());
    }
    setup::ensure_components()?;
    let mut failed = Vec::new();
    for look in looks(workshop) {
        println!("── {}", look.name);
        if let Err(error) = look.step.within(&workshop.root).prove(look.proof) {
            eprintln!("{error:#}");
            failed.push(look.name);
        }
    }
    if !failed.is_empty() {
        bail!("not in order: {}", failed.join(", "));
    }
    println!("\ncheck result: ok");
    Ok(())
}

impl Step {
    fn prove(&self, proof: Proof) -> Result<()> {
        match proof {
            Proof::Success => self.run(),
            Proof::Tests => {
                let mut tally = Tally::default();
                let status = self.watch(Stream::Out, |line| tally.read(line))?;
                if !status.success() || tally.failed > 0 || tally.passed == 0 {
                    bail!("`{self}`: {tally}");
                }
                Ok(())
            }
        }
    }
}

fn looks(workshop: &Workshop) -> Vec<Look> {
    let locked: &[&str] = if workshop.ci { &["--locked"] } else { &[] };
    let lints = Step::cargo(&["clippy", "--workspace", "--all-targets"]).and(locked);
    let tests = |package: &str, target: &str| {
        Step::cargo(&["test", "--quiet", "--package", package, "--test", target]).and(locked)
    };
    let mut looks = vec![
        Look {
            name: "format",
            step: Step::cargo(&["fmt", "--all", "--check"]),
            proof: Proof::Success,
        },
        Look {
            name: "lints",
            step: lints.clone().and(&["--", "-D", "warnings"]),
            proof: Proof::Success,
        },
        // The whole workspace again, so that nothing below the crate is compiled with other features and so a second time.
        Look {
            name: "lints of what is off by default",
            step: lints.and(&["--features", WITH_FEATURE.1, "--", "-D", "warnings"]),
            proof: Proof::Success,
        },
        // After the lints, which have fetched every crate: this test looks at all of them and fetches none.
        Look {
            name: "house rules, licences, sources",
            step: tests("xtask", "house"),
            proof: Proof::Tests,
        },
    ];
    looks.extend(GENERATED.iter().map(|(name, package, module)| Look {
        name,
        step: tests(package, "it").and(&[module]),
        proof: Proof::Tests,
    }));
    // The house test reads deny.toml too; cargo-deny looks closer where it is installed.
    if workshop.has("cargo-deny") {
        looks.push(Look { name: "dependencies", step: Step::cargo(DENY), proof: Proof::Success });
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_looks_are_these() {
        let tools = tempfile::tempdir().unwrap();
        std::fs::write(tools.path().join("cargo-deny"), "").unwrap();
        let mut workshop = Workshop::find().unwrap();
        (workshop.ci, workshop.path) = (true, vec![tools.path().to_path_buf()]);
        let steps: Vec<_> = looks(&workshop).iter().map(|look| look.step.to_string()).collect();
        assert_eq!(
            steps,
            [
                "cargo fmt --all --check",
                "cargo clippy --workspace --all-targets --locked -- -D warnings",
                "cargo clippy --workspace --all-targets --locked --features bottega-sandbox-wasm/extism -- -D warnings",
                "cargo test --quiet --package xtask --test house --locked",
                "cargo test --quiet --package bottega-config --test it --locked reference::",
                "cargo deny --offline --workspace check licenses bans sources",
            ]
        );
    }

    #[test]
    fn no_test_proves_nothing() {
        let step = |text: &str| Step::new("echo", &[text]);
        assert!(step("test result: ok. 2 passed; 0 failed").prove(Proof::Tests).is_ok());
        assert!(step("test result: ok. 0 passed; 0 failed").prove(Proof::Tests).is_err());
        assert!(step("").prove(Proof::Success).is_ok());
    }
}
