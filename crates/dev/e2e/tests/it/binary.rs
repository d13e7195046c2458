//! The binary under test, built when it is not there or older than what it is made of.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The path of a `bottega` that is as new as its sources.
pub(crate) fn bottega() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // This test runs as TARGET/PROFILE/deps/it-….
        let this = std::env::current_exe().unwrap();
        let profile = this.parent().and_then(Path::parent).unwrap();
        let binary = profile.join("bottega");
        if !is_fresh(&binary) {
            build(profile);
        }
        assert!(binary.is_file(), "{} is not there", binary.display());
        binary
    })
}

/// The person's `PATH`: all that a test takes over from its own environment.
#[expect(clippy::disallowed_methods, reason = "a harness hands its own PATH on")]
pub(crate) fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

/// A page of the repository's reference.
pub(crate) fn reference(page: &str) -> PathBuf {
    root().join("docs/reference").join(page)
}

fn is_fresh(binary: &Path) -> bool {
    let Ok(built) = binary.metadata().and_then(|about| about.modified()) else { return false };
    let root = root();
    let mut newest = modified(&root.join("Cargo.lock"));
    newest = newest.max(newest_below(&root.join("crates")));
    // The templates of agents are in it.
    newest = newest.max(newest_below(&root.join("guests/templates")));
    newest <= built
}

fn modified(path: &Path) -> SystemTime {
    path.metadata().and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// When the youngest file below was changed; tests and benches are no part of a binary.
fn newest_below(folder: &Path) -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let apart =
            ["tests", "tests.rs", "benches", "examples", "dev"].iter().any(|apart| name == *apart);
        if apart {
            continue;
        }
        let path = entry.path();
        let youngest =
            if entry.file_type().unwrap().is_dir() { newest_below(&path) } else { modified(&path) };
        newest = newest.max(youngest);
    }
    newest
}

fn build(profile: &Path) {
    let name = profile.file_name().and_then(|name| name.to_str()).unwrap();
    let name = if name == "debug" { "dev" } else { name };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "bottega", "--profile", name, "--target-dir"])
        .arg(profile.parent().unwrap())
        .current_dir(root())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
