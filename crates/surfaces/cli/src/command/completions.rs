//! `bottega completions`: for the shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Desk;
use crate::arguments;
use crate::report::Failure;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bottega completions bash > ~/.local/share/bash-completion/completions/bottega
  bottega completions zsh > ~/.zfunc/_bottega
  bottega completions fish > ~/.config/fish/completions/bottega.fish")]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn execute(arguments: &Arguments, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let mut script = Vec::new();
    let mut table = arguments::Arguments::command();
    clap_complete::generate(arguments.shell, &mut table, "bottega", &mut script);
    desk.terminal.out.write_all(&script)?;
    desk.terminal.out.flush()?;
    Ok(0)
}
