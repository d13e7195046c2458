//! `bottega agent build`: a folder's own build, and a look at what came of it.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use bottega_api::{ApiError, codes};
use bottega_manifest::{Manifest, World};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{package, told};
use crate::command::Desk;
use crate::report::{Failure, plain};

/// Bytes of a build's output that are shown at once, at most.
const PIECE: usize = 4 << 10;

/// Pieces that may wait to be shown; then the build waits.
const PIECES: usize = 16;

/// What was made.
#[derive(Debug, Serialize)]
pub(super) struct Built {
    /// The agent's or tool's name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// `agent` or `tool`.
    pub(super) world: String,
    /// The module's path.
    pub(super) module: String,
    /// Its size.
    pub(super) bytes: usize,
    /// The capabilities that it asks for, all of them granted.
    pub(super) asks_for: Vec<String>,
    /// Those that were granted and that it does not ask for.
    pub(super) unused: Vec<String>,
}

pub(in crate::command) async fn execute(folder: &Path, desk: &mut Desk<'_>) -> Result<u8, Failure> {
    let (file, _text, manifest) = package::manifest(folder)?;
    if manifest.world == World::Outside {
        let why = format!("{}: an agent that lives outside has no module", file.display());
        let error = ApiError::new(codes::MALFORMED, why);
        return Err(error
            .step("build and start it as its own program; it needs no `build`")
            .into());
    }
    run(folder, &manifest, desk).await?;
    let (path, wasm) = package::module(folder, &file, &manifest, package::NOT_MADE)?;
    let bench = desk.entrance.workbench()?;
    let asked = desk.wait(bench.inspect(&wasm, manifest.clone())).await?;
    let unused = manifest.capabilities.granted().filter(|it| !asked.contains(it));
    let built = Built {
        name: manifest.name.to_string(),
        version: manifest.version.to_string(),
        world: manifest.world.to_string(),
        module: path.display().to_string(),
        bytes: wasm.len(),
        asks_for: asked.iter().map(ToString::to_string).collect(),
        unused: unused.map(|it| it.to_string()).collect(),
    };
    desk.show(&built, |_| told::built(&built))
}

/// Ends a build when nobody waits for it any more.
struct Running(Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Carries out the build's line, as the user would by hand, and shows what it prints.
async fn run(folder: &Path, manifest: &Manifest, desk: &mut Desk<'_>) -> Result<(), Failure> {
    let line = &manifest.build.command;
    let broken = |why: String| {
        ApiError::new(codes::AGENT_STATE, format!("`{line}` in `{}`: {why}", folder.display()))
            .step("mend what it says above; the line is `[build] command` of `bottega.toml`")
    };
    let mut child = Command::new("/bin/sh")
        .args(["-c", "exec 2>&1; eval \"$1\"", "build", line])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| broken(plain(&error)))?;
    let output = child.stdout.take();
    let mut running = Running(Some(child));
    let (sender, mut pieces) = mpsc::channel::<Vec<u8>>(PIECES);
    let reading = tokio::task::spawn_blocking(move || {
        let Some(mut output) = output else { return };
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = output.read(&mut piece) {
            if sender.blocking_send(piece[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    // A piece may end within a letter.
    let mut rest = Vec::new();
    while let Some(piece) = desk.wait(async { Ok(pieces.recv().await) }).await? {
        rest.extend_from_slice(&piece);
        let end = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = rest.drain(..end).collect();
        desk.terminal.note(&String::from_utf8_lossy(&whole));
    }
    if !rest.is_empty() {
        desk.terminal.note(&format!("{}\n", String::from_utf8_lossy(&rest)));
    }
    let _read = reading.await;
    let Some(mut child) = running.0.take() else { return Ok(()) };
    let status = tokio::task::spawn_blocking(move || child.wait()).await;
    let status: ExitStatus = match status {
        Ok(status) => status.map_err(|error| broken(plain(&error)))?,
        Err(error) => return Err(broken(error.to_string()).into()),
    };
    if status.success() { Ok(()) } else { Err(broken(status.to_string()).into()) }
}
