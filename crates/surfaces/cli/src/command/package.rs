//! What is deployed or added: a manifest and the module that it names, read and looked over before anything is sent.

use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bottega_api::{ApiError, DeployRequest, codes};
use bottega_manifest::{AgentDefinition, Manifest, Problems, World};
use serde_json::Value;

use crate::report::{Failure, plain};

/// Bytes of a module at most: what a server takes, before it is written in base64.
const LARGEST: u64 = 47 << 20;

/// Reads the agent of a folder, or the one that a Markdown file defines.
pub(super) fn read(
    folder: &Path,
    name: Option<String>,
    config: Value,
) -> Result<DeployRequest, Failure> {
    if folder.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md")) {
        return definition(folder, name, config);
    }
    let (file, text, parsed) = manifest(folder)?;
    if parsed.world == World::Outside {
        return Ok(DeployRequest { manifest: text, module: String::new(), name, config });
    }
    let (_path, bytes) = module(folder, &file, &parsed, UNBUILT)?;
    Ok(DeployRequest { manifest: text, module: STANDARD.encode(bytes), name, config })
}

/// The next step of whoever has no module of an agent yet.
pub(super) const UNBUILT: &str = "build it first: `bottega agent build` in its folder";

/// The same of a tool.
pub(super) const UNBUILT_TOOL: &str = "build it first: `bottega tool build` in its folder";

/// The next step of whoever built it, and it is not there.
pub(super) const NOT_MADE: &str =
    "let the build write it there, or name what it writes: `module` in `bottega.toml`";

/// The manifest of a folder: its file, its text, and what it says.
pub(super) fn manifest(folder: &Path) -> Result<(PathBuf, String, Manifest), Failure> {
    let file = folder.join(Manifest::FILE);
    let text = std::fs::read_to_string(&file).map_err(|error| {
        let step = "name the folder that holds its `bottega.toml`";
        refusal(&file, &plain(&error)).step(step)
    })?;
    let parsed = Manifest::parse(&text).map_err(|problems| malformed(&file, &problems))?;
    Ok((file, text, parsed))
}

/// The module that a manifest names: its path and its bytes. `step` is for whoever has none.
pub(super) fn module(
    folder: &Path,
    file: &Path,
    manifest: &Manifest,
    step: &str,
) -> Result<(PathBuf, Vec<u8>), Failure> {
    let module = manifest.module_file();
    // The manifest may be somebody else's, and what it names is sent away.
    if !Path::new(&module).components().all(|part| matches!(part, Component::Normal(_))) {
        let why = format!("{}: the module `{module}` lies outside of the folder", file.display());
        return Err(ApiError::new(codes::MALFORMED, why).step("name a file beside it").into());
    }
    let path = folder.join(&module);
    let about =
        std::fs::metadata(&path).map_err(|error| refusal(&path, &plain(&error)).step(step))?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(refusal(&path, "no module: a file of 47 MiB at most").step(step).into());
    }
    let bytes = std::fs::read(&path).map_err(|error| refusal(&path, &plain(&error)))?;
    Ok((path, bytes))
}

/// Reads a Markdown file with front matter.
fn definition(file: &Path, name: Option<String>, config: Value) -> Result<DeployRequest, Failure> {
    let manifest = std::fs::read_to_string(file).map_err(|error| refusal(file, &plain(&error)))?;
    AgentDefinition::parse(&manifest).map_err(|problems| malformed(file, &problems))?;
    Ok(DeployRequest { manifest, module: String::new(), name, config })
}

fn malformed(file: &Path, problems: &Problems) -> ApiError {
    let why: Vec<String> =
        problems.iter().map(|problem| format!("{}: {problem}", file.display())).collect();
    ApiError::new(codes::MALFORMED, why.join("\n"))
        .step("mend what is named, then repeat; nothing was done")
}

fn refusal(path: &Path, why: &str) -> ApiError {
    ApiError::new(codes::FILE, format!("`{}`: {why}", path.display()))
}
