//! `bottega man`: the manual pages.

use std::path::PathBuf;

use bottega_api::{ApiError, codes};
use clap::{Args, CommandFactory as _};

use super::Desk;
use crate::arguments;
use crate::report::Failure;

/// Print the manual page, or write the pages of all commands into a folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega man | man -l -
  bottega man --out ~/.local/share/man/man1")]
pub(crate) struct Arguments {
    /// Write one page a command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let table = arguments::Arguments::command();
    let Some(folder) = &arguments.out else {
        clap_mangen::Man::new(table).render(&mut desk.terminal.out)?;
        desk.terminal.out.flush()?;
        return Ok(0);
    };
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(table, folder));
    written
        .map_err(|error| ApiError::new(codes::FILE, format!("`{}`: {error}", folder.display())))?;
    desk.terminal.note(&format!("pages written to {}\n", folder.display()));
    Ok(0)
}
