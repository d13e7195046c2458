//! `cover`: which lines the tests reach.

use anyhow::{Result, bail};

use crate::step::Step;
use crate::test_model;
use crate::verb::setup;
use crate::workshop::Workshop;

/// Arguments of `cover`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write pages to look at, below the build folder, instead of a summary.
    #[arg(long)]
    html: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, workshop: &Workshop) -> Result<()> {
    if !workshop.has("cargo-llvm-cov") {
        bail!(
            "cargo-llvm-cov is not installed: `cargo install --locked cargo-llvm-cov`, then \
             `rustup component add llvm-tools-preview`"
        );
    }
    setup::ensure(workshop)?;
    let model = test_model::ensure(workshop)?;
    step(args).with(test_model::VARIABLE, &model.to_string_lossy()).within(&workshop.root).run()
}

fn step(args: &Args) -> Step {
    let form = if args.html { "--html" } else { "--summary-only" };
    Step::cargo(&["llvm-cov", "--workspace", "--no-fail-fast", form])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_unless_pages_are_wanted() {
        assert_eq!(
            step(&Args { html: false }).to_string(),
            "cargo llvm-cov --workspace --no-fail-fast --summary-only"
        );
        assert_eq!(
            step(&Args { html: true }).to_string(),
            "cargo llvm-cov --workspace --no-fail-fast --html"
        );
    }
}
