//! `bottega agent test`: the scripts of an agent's folder, played and held against what happened.

use std::fs;
use std::path::{Path, PathBuf};

use bottega_api::{ApiError, codes};
use bottega_client::Rehearsing;
use bottega_manifest::World;
use bottega_rehearsal::{Difference, Record, Script, written};
use serde::Serialize;

use super::{package, told};
use crate::command::Desk;
use crate::report::{Failure, Form, plain};

/// The most bytes of a script.
const LARGEST: u64 = 4 << 20;

/// What came of one script.
#[derive(Debug, Serialize)]
pub(super) struct Played {
    /// The file, beside the manifest.
    pub(super) file: String,
    /// What it shows; the file when it can't be read.
    pub(super) name: String,
    /// Whether all was as expected.
    pub(super) passed: bool,
    /// What is wrong with the script itself.
    pub(super) problem: Option<String>,
    /// Where it was not.
    pub(super) differences: Vec<Difference>,
    /// What happened.
    pub(super) record: Option<Record>,
    /// Whether the script was changed to expect what happened.
    pub(super) recorded: bool,
}

pub(super) async fn execute(
    folder: &Path,
    only: Option<&str>,
    record: bool,
    desk: &mut Desk<'_>,
) -> Result<u8, Failure> {
    let (file, _text, manifest) = package::manifest(folder)?;
    if manifest.world != World::Agent {
        let why = format!("{}: `world = \"{}\"`", file.display(), manifest.world);
        let error = ApiError::new(codes::MALFORMED, why);
        return Err(error.step("scripts are played by `world = \"agent\"` alone").into());
    }
    let scripts = scripts(folder, only)?;
    let (_path, wasm) = package::module(folder, &file, &manifest, package::UNBUILT)?;
    let bench = desk.entrance.workbench()?;
    let mut agent = desk.wait(bench.rehearse(&wasm, manifest)).await?;
    let mut all = Vec::with_capacity(scripts.len());
    for path in scripts {
        let played = play(folder, &path, record, agent.as_mut(), desk).await?;
        if desk.form() == Form::People {
            let line = told::played(&played, desk.terminal.out_paint());
            desk.terminal.say(&line)?;
        }
        all.push(played);
    }
    desk.show(&all, |_| told::summed(&all))?;
    Ok(u8::from(all.iter().any(|played| !played.passed)))
}

/// The scripts of a folder, by name.
fn scripts(folder: &Path, only: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
    let below = folder.join(Script::FOLDER);
    let none = |why: &str| {
        ApiError::new(codes::FILE, format!("`{}`: {why}", below.display()))
            .step("write a `.toml` there, with `name = \"…\"` and a `[[steps]]` with what it is to `hear`")
    };
    let entries = fs::read_dir(&below).map_err(|error| none(&plain(&error)))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| none(&plain(&error)))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let wanted = only.is_none_or(|only| name.contains(only));
        if wanted && path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() { Err(none("no script lies there").into()) } else { Ok(found) }
}

async fn play(
    folder: &Path,
    path: &Path,
    record: bool,
    agent: &mut dyn Rehearsing,
    desk: &mut Desk<'_>,
) -> Result<Played, Failure> {
    let unusable = |why: &str| ApiError::new(codes::FILE, format!("`{}`: {why}", path.display()));
    let about = fs::metadata(path).map_err(|error| unusable(&plain(&error)))?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(unusable("no script: a file of 4 MiB at most").into());
    }
    let text = fs::read_to_string(path).map_err(|error| unusable(&plain(&error)))?;
    let file = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let mut played = Played {
        name: file.clone(),
        file,
        passed: false,
        problem: None,
        differences: Vec::new(),
        record: None,
        recorded: false,
    };
    let script = match Script::parse(&text) {
        Ok(script) => script,
        Err(problems) => {
            played.problem = Some(problems.to_string());
            return Ok(played);
        }
    };
    let happened = desk.wait(agent.play(&script)).await?;
    played.name.clone_from(&script.name);
    played.differences = script.compare(&happened);
    if record && !played.differences.is_empty() {
        match written(&text, &happened) {
            Ok(new) => {
                fs::write(path, &new).map_err(|error| unusable(&plain(&error)))?;
                played.recorded = true;
                // What can't be expected, such as an answer that nobody asked for, differs still.
                if let Ok(script) = Script::parse(&new) {
                    played.differences = script.compare(&happened);
                }
            }
            Err(why) => played.problem = Some(why.to_string()),
        }
    }
    played.passed = played.differences.is_empty() && played.problem.is_none();
    played.record = Some(happened);
    Ok(played)
}
