//! The peer in Python: `bench/peers/spade_bench.py`, SPADE agents in a process of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Failure;

/// How it is named in rows: as its users run it, where a message to an agent of the same process passes its server by.
pub(crate) const NAME: &str = "SPADE, in one process";
/// The same agents, each message by way of their own XMPP server.
pub(crate) const THROUGH: &str = "SPADE, through its server";
/// What a row says of it where it is not installed.
pub(crate) const ABSENT: &str =
    "SPADE: peer absent (pip install 'spade>=4.1,<5' greenlet; SPADE_PYTHON names the Python)";

/// Rounds per second, or nothing where SPADE is not installed.
pub(crate) async fn rounds(through_server: bool) -> Result<Option<f64>, Failure> {
    tokio::task::spawn_blocking(move || run(through_server)).await?
}

fn run(through_server: bool) -> Result<Option<f64>, Failure> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../bench/peers/spade_bench.py");
    let python = std::env::var_os("SPADE_PYTHON").unwrap_or_else(|| "python3".into());
    // Against a peer that hangs; `timeout` is in every coreutils.
    let mut command = Command::new("timeout");
    command.arg("120").arg(python).arg(script).args(["--bidders", "10", "--seconds", "5"]);
    if through_server {
        command.arg("--through-server");
    }
    let output = command.stderr(Stdio::piped()).output()?;
    match output.status.code() {
        Some(0) => {
            let told: Value = serde_json::from_slice(&output.stdout)?;
            Ok(told["rounds_per_second"].as_f64())
        }
        // Neither Python nor SPADE is there.
        Some(127) => Ok(None),
        Some(_) | None => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("spade_bench.py: {}: {why}", output.status).into())
        }
    }
}
