//! Carrying out a command.

use bottega_api::{ApiError, codes};
use bottega_client::Entrance;

use crate::arguments::Arguments;
use crate::command::Desk;
use crate::invocation::Invocation;
use crate::report::{Failure, report, unwritten};
use crate::terminal::Terminal;

/// Carries out a command and returns its exit code. Errors have been told by then.
pub async fn execute(invocation: Invocation, entrance: &dyn Entrance, terminal: Terminal) -> u8 {
    let form = invocation.form();
    let Arguments { global, command } = invocation.arguments;
    let mut desk = Desk { entrance, terminal, global };
    if let Some(color) = desk.global.color {
        desk.terminal.color = color;
    }
    if let Some(folder) = &desk.global.directory
        && !folder.is_dir()
    {
        let why = format!("`{}` is no folder", folder.display());
        let none = ApiError::new(codes::FILE, why).step("name a folder that exists behind `-C`");
        return report(&mut desk.terminal, &none, form);
    }
    match command.execute(&mut desk).await {
        Ok(exit) => exit,
        Err(Failure::Told(error)) => report(&mut desk.terminal, &error, form),
        Err(Failure::Silent(exit)) => exit,
        Err(Failure::Output(error)) => match unwritten(&error) {
            Some(told) => report(&mut desk.terminal, &told, form),
            // The reader has seen enough.
            None => 0,
        },
    }
}
