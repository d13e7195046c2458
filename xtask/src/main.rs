//! The developer's verbs: the same words for a person, a hook and CI.
//!
//! What it is: thin drivers of cargo and of the machine's package clients. What a verb will run is a list of
//! [`step::Step`]s, made by a pure function from what the machine has; running them is dull.
//! What it is not: a place for rules about the code. Those are lints, and `tests/house.rs`.
//!
//! One verb: arguments → [`setup`](verb::setup) of what it needs → steps → a summary → an exit code.
//!
//! Invariants
//! * A system package is named before it is installed.
//! * Nothing is fetched by address: wheels come through pip, crates through cargo, packages through apt,
//!   the browser's driver through npm.
//! * Every verb works without a terminal and without standard input.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people: it prints")]

mod machine;
mod step;
mod tally;
mod test_model;
mod verb;
mod workshop;

use std::process::ExitCode;

use clap::Parser;

/// The developer's verbs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: verb::Verb,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match workshop::Workshop::find().and_then(|workshop| cli.verb.run(&workshop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
