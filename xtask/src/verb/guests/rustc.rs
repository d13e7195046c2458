//! A rustc for WebAssembly: the one on the path where it has the library for it or rustup brings that, else Debian's, whose
//! sources come along, so that the library is built once and kept in the cache.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::step::Step;

/// What Rust guests are built for.
const WASM: &str = "wasm32-unknown-unknown";
/// Debian's rustc for browsers, a complete set of compiler, linkable host library and sources, newer than its `rustc`. It may not be
/// installed beside rustup's, so it is only unpacked.
const PACKAGES: [&str; 3] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"];
/// What these need besides, whose names have versions in them.
const LIBRARIES: [&str; 2] = ["libstd-rust-web-", "libllvm"];

/// A compiler for guests in Rust.
pub(super) enum Rustc {
    /// The one on the path.
    OnPath,
    /// Programs `rustc` and `rustdoc` in this folder.
    In(PathBuf),
}

impl Rustc {
    /// Looks for one, and fetches it below `folder` if there is none. `None` where none can be had, which it tells.
    pub(super) fn find(folder: &Path) -> Result<Option<Self>> {
        let programs = folder.join("bin");
        if has_library(Path::new("rustc")) {
            return Ok(Some(Self::OnPath));
        }
        if has_library(&programs.join("rustc")) {
            return Ok(Some(Self::In(programs)));
        }
        // A minute: where its server can't be reached it would try for long.
        if Step::new("timeout", &["60", "rustup", "target", "add", WASM]).succeeds()
            && has_library(Path::new("rustc"))
        {
            return Ok(Some(Self::OnPath));
        }
        println!(
            "rustup brings no library for {WASM}; Debian's compiler is fetched (140 MB), and builds it"
        );
        if let Err(error) = unpack(folder) {
            eprintln!("{error:#}");
            return Ok(None);
        }
        build_library(folder).with_context(|| format!("the library for {WASM}"))?;
        Ok(Some(Self::In(programs)))
    }

    /// A step that compiles with it.
    pub(super) fn given_to(&self, step: Step) -> Step {
        match self {
            Self::OnPath => step,
            Self::In(programs) => step
                .with("RUSTC", &programs.join("rustc").to_string_lossy())
                .with("RUSTDOC", &programs.join("rustdoc").to_string_lossy()),
        }
    }
}

fn has_library(rustc: &Path) -> bool {
    let folder =
        Step::new(&rustc.to_string_lossy(), &["--print", "target-libdir", "--target", WASM])
            .capture();
    folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Where Debian's files lie in `folder`.
fn unpacked(folder: &Path) -> PathBuf {
    folder.join("debian/usr")
}

fn unpack(folder: &Path) -> Result<()> {
    let needs = |names: &[&str]| Step::new("apt-cache", &["depends"]).and(names).capture();
    let library = libraries(&needs(&PACKAGES)?);
    let library: Vec<&str> = library.iter().map(String::as_str).collect();
    let below = libraries(&needs(&library)?);
    let names: Vec<&str> =
        PACKAGES.into_iter().chain(library).chain(below.iter().map(String::as_str)).collect();
    let packages = tempfile::tempdir().context("a folder for a while")?;
    Step::new("apt-get", &["download", "--quiet"]).and(&names).within(packages.path()).run()?;
    let root = folder.join("debian");
    for package in fs::read_dir(packages.path())? {
        let package = package?.path();
        let words = [package.to_string_lossy(), root.to_string_lossy()];
        fs::create_dir_all(&root).with_context(|| root.display().to_string())?;
        Step::new("dpkg", &["--extract", &words[0], &words[1]]).run()?;
    }
    // It has no linker for WebAssembly; rustup's has one.
    let sysroot = Step::new("rustc", &["--print", "sysroot"]).capture()?;
    let host = format!("lib/rustlib/{}-unknown-linux-gnu/bin", std::env::consts::ARCH);
    let linker = Path::new(sysroot.trim()).join(&host).join("rust-lld");
    if !linker.is_file() {
        bail!("{} is not there", linker.display());
    }
    let beside = unpacked(folder).join(&host);
    fs::create_dir_all(&beside)?;
    fs::remove_file(beside.join("rust-lld")).ok();
    symlink(linker, beside.join("rust-lld"))?;
    let programs = folder.join("bin");
    fs::create_dir_all(&programs)?;
    for program in ["rustc", "rustdoc"] {
        let debian = unpacked(folder);
        let library = debian.join(format!("lib/{}-linux-gnu", std::env::consts::ARCH));
        let text = format!(
            "#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
            library.display(),
            debian.join("bin").join(program).display(),
        );
        let file = programs.join(program);
        fs::write(&file, text).with_context(|| file.display().to_string())?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Builds an empty crate with the library's sources, and keeps what was built of them where rustc looks.
fn build_library(folder: &Path) -> Result<()> {
    let place = tempfile::tempdir().context("a folder for a while")?;
    let manifest = "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(place.path().join("Cargo.toml"), manifest)?;
    fs::create_dir(place.path().join("src"))?;
    fs::write(place.path().join("src/lib.rs"), "")?;
    let step = Step::cargo(&["build", "--release", "--quiet", "-Zbuild-std=std,panic_abort"])
        .and(&["--target", WASM])
        .within(place.path())
        .with("RUSTC_BOOTSTRAP", "1")
        // Guests are optimised together with it.
        .with("RUSTFLAGS", "-Cembed-bitcode=yes")
        .with("CARGO_TARGET_DIR", &place.path().join("target").to_string_lossy());
    Rustc::In(folder.join("bin")).given_to(step).run()?;
    let built = place.path().join("target").join(WASM).join("release/deps");
    // Whole or not there: whether the folder is there tells whether it is done.
    let library = unpacked(folder).join("lib/rustlib").join(WASM);
    let unfinished = library.with_extension("unfinished");
    fs::remove_dir_all(&unfinished).ok();
    fs::create_dir_all(unfinished.join("lib"))?;
    for file in fs::read_dir(&built).with_context(|| built.display().to_string())? {
        let file = file?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(file.path(), unfinished.join("lib").join(&*name))?;
        }
    }
    fs::rename(&unfinished, &library).with_context(|| library.display().to_string())
}

/// Of what `apt-cache depends` lists, the libraries that come with the compiler.
fn libraries(listed: &str) -> Vec<String> {
    let mut found: Vec<String> = listed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .filter(|name| LIBRARIES.iter().any(|start| name.starts_with(start)))
        .filter(|name| !PACKAGES.contains(name))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_are_named_by_what_needs_them() {
        let listed = "rustc-web\n  Depends: libc6\n  Depends: libllvm22\n  Depends: libstd-rust-web-dev\n \
                      |Depends: gcc\nlibstd-rust-web-dev\n  Depends: libstd-rust-web-1.96\n  Depends: libllvm22\n";
        assert_eq!(libraries(listed), ["libllvm22", "libstd-rust-web-1.96"]);
    }
}
