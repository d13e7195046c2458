//! The table of verbs. A verb is one file below and one row here.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod cover;
pub(crate) mod demo;
pub(crate) mod fuzz;
pub(crate) mod guests;
pub(crate) mod setup;
pub(crate) mod test;

use anyhow::Result;
use clap::Subcommand;

use crate::workshop::Workshop;

/// A verb with its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lets the agent mend the sample repository with a local model, from nothing.
    Demo(demo::Args),
    /// Runs the tests, doctests included; fetches what they need.
    Test(test::Args),
    /// Format, lints, house rules, licences, generated files.
    Check(check::Args),
    /// Runs a benchmark beside its peer and writes `bench/results/NAME.json`.
    Bench(bench::Args),
    /// Runs every fuzz target for a bounded time.
    Fuzz(fuzz::Args),
    /// Makes, builds and tests an agent and a tool in each language, with compilers out of the public registries.
    Guests(guests::Args),
    /// Measures which lines the tests reach.
    Cover(cover::Args),
    /// Installs what building and testing need; names each system package first.
    Setup(setup::Args),
}

impl Verb {
    /// Does it.
    pub(crate) fn run(self, workshop: &Workshop) -> Result<()> {
        match self {
            Self::Demo(args) => demo::run(&args, workshop),
            Self::Test(args) => test::run(&args, workshop),
            Self::Check(args) => check::run(&args, workshop),
            Self::Bench(args) => bench::run(&args, workshop),
            Self::Fuzz(args) => fuzz::run(&args, workshop),
            Self::Guests(args) => guests::run(&args, workshop),
            Self::Cover(args) => cover::run(&args, workshop),
            Self::Setup(args) => setup::run(&args, workshop),
        }
    }
}
