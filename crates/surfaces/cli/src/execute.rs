//! Carrying out a command.

use std::io::ErrorKind;

use bottega_api::{ApiError, codes};
use bottega_client::Entrance;

use crate::arguments::Arguments;
use crate::command::Desk;
use crate::invocation::Invocation;
use crate::report::{Failure, report};
use crate::terminal::Terminal;

/// Carries out a command and returns its exit code. Errors have been told by then.
pub async fn execute(invocation: Invocation, entrance: &dyn Entrance, terminal: Terminal) -> u8 {
    let form = invocation.form();
    let Arguments { global, command } = invocation.arguments;
    let mut desk = Desk { entrance, terminal, global };
    if let Some(color) = desk.global.color {
        desk.terminal.color = color;
    }
    match command.execute(&mut desk).await {
        Ok(exit) => exit,
        Err(Failure::Told(error)) => report(&mut desk.terminal, &error, form),
        Err(Failure::Silent(exit)) => exit,
        // The reader has seen enough, as `head` does.
        Err(Failure::Stream(error)) if error.kind() == ErrorKind::BrokenPipe => 0,
        Err(Failure::Stream(error)) => {
            let told = ApiError::new(codes::FILE, format!("standard input or output: {error}"));
            report(&mut desk.terminal, &told, form)
        }
    }
}
