//! The `bottega` binary: reads settings, assembles the parts, runs one command.
//!
//! What it is: the composition root, the only place that names adapters. It reads from top to bottom like a
//! parts list: [`app`] knows settings and places, [`provision`] builds providers, stores and grounds when a
//! command first needs them, and `bottega-cli` runs the command.
//! What it is not: a place for rules.

mod app;
mod collector;
mod doctor;
mod grounds;
mod hiring;
mod logging;
mod machine;
mod models;
mod outland;
mod provision;
mod serving;
mod signals;
mod tools;
mod workbench;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bottega_cli::{Exit, HANGUP, Invocation, Terminal};
use bottega_config::Environment;

/// How long commands that end with this process have until what was made for them is taken away.
const CLEARING: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // Help and the version need neither a runtime nor settings.
    let invocation = match bottega_cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(exit) => return ExitCode::from(show(&exit)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(32)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return ExitCode::from(show(&Exit::internal(&error.to_string()))),
    };
    let code = runtime.block_on(run(invocation));
    // A blocking read of a person's keyboard may never return; nothing else is left to wait for.
    runtime.shutdown_background();
    ExitCode::from(code)
}

fn show(exit: &Exit) -> u8 {
    let environment = Environment::capture();
    exit.print(&mut Terminal::system(environment.get("TERM"), None, signals::none()))
}

async fn run(invocation: Invocation) -> u8 {
    let app = Arc::new(app::App::new(&invocation));
    let terminal = app.terminal();
    logging::start(&app);
    let sending = collector::Sending::start(&app).map(Arc::new);
    let commands = app.commands.clone();
    let entrance = provision::Assembly::new(app, sending.clone());
    let code = tokio::select! {
        code = bottega_cli::execute(invocation, &entrance, terminal) => code,
        // Dropping the command stops what it started; the journal is whole and the session can be resumed.
        () = signals::hangup() => HANGUP,
    };
    entrance.close().await;
    // What goes with it ends its steps, and the jobs that still run.
    drop(entrance);
    commands.close();
    // What does not die in time is its keeper's to kill, and a later command's to clear away.
    let _ = tokio::time::timeout(CLEARING, commands.wait()).await;
    if let Some(sending) = sending {
        sending.finish().await;
    }
    code
}
