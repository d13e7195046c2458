//! The peer in Erlang: `bench/peers/bench.erl`, a process of its own.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;

/// How it is named in rows.
pub(crate) const NAME: &str = "Erlang, bare processes";
/// What a row says of it where it is not installed.
pub(crate) const ABSENT: &str = "Erlang: peer absent (apt-get install erlang-base)";

/// One figure of one part, or nothing where Erlang is not installed.
pub(crate) async fn figure(words: &str, name: &str) -> Result<Option<f64>, Failure> {
    Ok(figures(words)
        .await?
        .and_then(|all| all.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())))
}

/// What it prints for one part.
pub(crate) async fn figures(words: &str) -> Result<Option<String>, Failure> {
    let words = words.to_owned();
    tokio::task::spawn_blocking(move || run(&words)).await?
}

fn run(words: &str) -> Result<Option<String>, Failure> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../bench/peers/bench.erl");
    // Against a peer that hangs; `timeout` is in every coreutils.
    let mut command = Command::new("timeout");
    command.args(["120", "escript"]).arg(script).args(words.split_whitespace());
    let output = match command.stderr(Stdio::piped()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match output.status.code() {
        Some(0) => Ok(Some(String::from_utf8(output.stdout)?)),
        // What `timeout` says of a program that is not there.
        Some(127) => Ok(None),
        Some(_) | None => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("bench.erl {words}: {}: {why}", output.status).into())
        }
    }
}
