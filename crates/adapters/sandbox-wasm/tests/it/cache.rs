//! Compiled guests on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bottega_manifest::World;
use bottega_sandbox_wasm::{Compiled, Engine, EngineError, Options};

use crate::sample_host::SampleHost;
use crate::text_guest::{TextAgent, manifest};

fn options(folder: &Path) -> Options {
    Options { instances: 4, cache: Some(folder.to_owned()), ..Options::default() }
}

/// A folder that only this user may use.
fn private_folder() -> tempfile::TempDir {
    let private = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(private).tempdir().unwrap()
}

/// Loads the sample with an engine of its own, and starts it.
async fn load(options: Options) -> Compiled {
    let engine = Engine::new(options).unwrap();
    let guest = engine.agent(&TextAgent::default().wasm(), manifest(World::Agent, "")).unwrap();
    guest.start(SampleHost::default().provision(), "").await.unwrap();
    guest.compiled().clone()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_guest_is_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("below/code");
    assert!(matches!(load(options(&folder)).await, Compiled::NowAndKept));
    assert!(matches!(load(options(&folder)).await, Compiled::Before));
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(files(&folder).len(), 1, "nothing is left beside the code");
}

#[tokio::test]
async fn a_file_with_a_flipped_byte_is_compiled_anew() {
    let folder = private_folder();
    load(options(folder.path())).await;
    let file = files(folder.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    for at in [0, 7, 8, 39, 40, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&file, &flipped).unwrap();
        assert!(matches!(load(options(folder.path())).await, Compiled::NowAndKept), "byte {at}");
        assert!(matches!(load(options(folder.path())).await, Compiled::Before));
    }
    for length in [0, 39, 40, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        assert!(
            matches!(load(options(folder.path())).await, Compiled::NowAndKept),
            "cut at {length}"
        );
    }
}

#[tokio::test]
async fn code_under_another_key_is_not_run() {
    let folder = private_folder();
    load(options(folder.path())).await;
    let file = files(folder.path()).remove(0);
    let engine = Engine::new(options(folder.path())).unwrap();
    let other = TextAgent { handle: "unreachable", ..TextAgent::default() }.wasm();
    engine.agent(&other, manifest(World::Agent, "")).unwrap();
    let others = files(folder.path()).into_iter().find(|found| *found != file).unwrap();
    fs::rename(others, &file).unwrap();
    assert!(matches!(load(options(folder.path())).await, Compiled::NowAndKept));
}

#[tokio::test]
async fn a_folder_that_others_may_use_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let error = Engine::new(options(folder.path())).unwrap_err();
    assert!(matches!(error, EngineError::Cache(_)), "{error}");
    let link = tempfile::tempdir().unwrap();
    let link = link.path().join("link");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    assert!(Engine::new(options(&link)).is_err(), "a link may lead elsewhere tomorrow");
}

#[tokio::test]
async fn the_cache_stays_within_its_bound() {
    let folder = private_folder();
    let engine = Engine::new(Options { cache_most: 1, ..options(folder.path()) }).unwrap();
    for number in 0..3 {
        let handle = format!("(drop (i32.const {number})) (call $ok)");
        let wasm = TextAgent { handle: &handle, ..TextAgent::default() }.wasm();
        engine.agent(&wasm, manifest(World::Agent, "")).unwrap();
    }
    assert_eq!(files(folder.path()).len(), 1, "the newest stays");
}
