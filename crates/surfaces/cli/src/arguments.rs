//! Everything that can be written behind `bottega`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser};

use crate::command::Command;
use crate::terminal::ColorChoice;

/// A coding agent that works in your repository, with models of your choice.
#[derive(Debug, Parser)]
#[command(
    name = "bottega",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Examples:
  bottega run \"make the failing test pass\"   do one task and print the answer
  git diff | bottega run -f - \"review this\"  with piped input attached
  bottega chat                               talk, turn by turn
  bottega resume                             go on with the last session
  bottega model pull                         fetch the default local model

Exit codes: 0 done, 1 failed, 2 usage, 3 limit or budget, 4 refused,
5 provider gave up, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that stand behind every command.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Global {
    /// Print JSON for scripts: views whole, events and errors one object a line
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,

    /// When output has colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, help_heading = "Everywhere")]
    pub(crate) color: Option<ColorChoice>,

    /// Work in this folder
    #[arg(
        short = 'C',
        long = "directory",
        global = true,
        value_name = "DIR",
        help_heading = "Everywhere"
    )]
    pub(crate) directory: Option<PathBuf>,

    /// Override a setting: `--set limits.turns=20`
    #[arg(long, global = true, value_name = "PATH=VALUE", value_parser = pair, help_heading = "Everywhere")]
    pub(crate) set: Vec<(String, String)>,

    /// Log more on standard error: -v what happens, -vv details
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Everywhere")]
    pub(crate) verbose: u8,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_owned(), value.to_owned()))
        }
        Some(_) | None => Err("write PATH=VALUE, as in limits.turns=20".to_owned()),
    }
}
