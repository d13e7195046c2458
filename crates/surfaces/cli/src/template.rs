//! Agents to begin with, one a language: the folders of `guests/templates`, carried in the binary.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bottega_api::{ApiError, codes};
use bottega_manifest::{GuestName, Manifest};
use serde::Serialize;

use crate::report::{Failure, plain, usage};

/// The languages that there are templates in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    C,
    Js,
    Python,
    Rust,
}

/// A file of a template: its path in the new folder, and its bytes.
type File = (&'static str, &'static [u8]);

/// A file of `guests/`.
macro_rules! guest {
    ($($path:literal),+) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../guests/", $($path),+))
    };
}

/// The files of one template; their paths are those in its folder.
macro_rules! template {
    ($folder:literal: $($path:literal)*) => {
        &[$(($path, guest!("templates/", $folder, "/", $path))),*]
    };
}

impl Language {
    /// The folder's name in `guests/templates`.
    #[cfg(test)]
    const fn folder(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Js => "js",
            Self::Python => "python",
            Self::Rust => "rust",
        }
    }

    const fn files(self) -> &'static [File] {
        match self {
            Self::C => template!("c": 
                "agent.c" "bottega.h" "bottega.toml" "build.sh" "test.c"
                "tests/bids.toml" "tests/greets.toml"),
            Self::Js => template!("js":
                "bottega.toml" "build.sh" "package.json" "src/agent.js" "src/greeter.js"
                "test/greeter.test.js" "tests/bids.toml" "tests/greets.toml" "wit/world.wit" "wit/deps/bottega/guest.wit"),
            Self::Python => template!("python":
                "agent.py" "bottega.toml" "build.sh" "greeter.py" "requirements.txt"
                "test_greeter.py" "tests/bids.toml" "tests/greets.toml" "wit/world.wit" "wit/deps/bottega/guest.wit"),
            Self::Rust => template!("rust":
                "Cargo.lock" "Cargo.toml" "bottega.toml" "build.sh" "src/lib.rs"
                "tests/bids.toml" "tests/greets.toml"),
        }
    }

    /// What the template needs beside its own folder, in a folder of that name.
    const fn kit(self) -> Option<(&'static str, &'static [File])> {
        match self {
            Self::C | Self::Js | Self::Python => None,
            Self::Rust => Some(("bottega-guest", GUEST_CRATE)),
        }
    }
}

/// The crate that agents in Rust are written with. It comes along, for no registry has it.
const GUEST_CRATE: &[File] = &[
    ("Cargo.toml", guest!("rust/Cargo.toml")),
    ("src/agent.rs", guest!("rust/src/agent.rs")),
    ("src/lib.rs", guest!("rust/src/lib.rs")),
    ("src/message.rs", guest!("rust/src/message.rs")),
    ("src/tool.rs", guest!("rust/src/tool.rs")),
    ("wit/guest.wit", guest!("rust/wit/guest.wit")),
];

/// What git is to leave alone, of every language.
const IGNORED: File = (".gitignore", guest!(".gitignore"));

/// A folder that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// The agent's name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: String,
    /// The files in it.
    pub(crate) files: Vec<String>,
}

/// Writes a template into a new folder. What is there already is left alone, and nothing is written then.
pub(crate) fn write(name: &str, language: Language, folder: &Path) -> Result<Made, Failure> {
    let name: GuestName = name.parse().map_err(|error: bottega_manifest::NotAGuestName| {
        usage(error.to_string(), "name it otherwise")
    })?;
    let refuse = |error: &io::Error| {
        let why = format!("`{}`: {}", folder.display(), plain(error));
        let error = ApiError::new(codes::FILE, why);
        Failure::from(error.step("choose another name or folder; what is there is left alone"))
    };
    // Making it is the test whether it is there, so that two at once can't both go on.
    fs::create_dir(folder).map_err(|error| refuse(&error))?;
    let files = files(name.as_str(), language);
    for (path, bytes) in &files {
        put(&folder.join(path), bytes).map_err(|error| refuse(&error))?;
    }
    let files = files.into_iter().map(|(path, _)| path).collect();
    Ok(Made { name: name.to_string(), folder: folder.display().to_string(), files })
}

/// Every file of a new folder.
fn files(name: &str, language: Language) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (path, bytes) in language.files() {
        let text = String::from_utf8_lossy(bytes);
        let bytes = match *path {
            // The rest of the template may go on calling itself a greeter.
            Manifest::FILE => text.replacen("name = \"greeter\"", &format!("name = \"{name}\""), 1),
            "Cargo.toml" => text
                .replace("path = \"../../rust\"", "path = \"bottega-guest\"")
                .replace("[workspace]\n", "[workspace]\nexclude = [\"bottega-guest\"]\n"),
            _ => text.into_owned(),
        };
        files.push(((*path).to_owned(), bytes.into_bytes()));
    }
    if let Some((folder, kit)) = language.kit() {
        files.extend(kit.iter().map(|(path, bytes)| (format!("{folder}/{path}"), bytes.to_vec())));
    }
    files.push((IGNORED.0.to_owned(), IGNORED.1.to_vec()));
    files
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = if path.extension().is_some_and(|ending| ending == "sh") { 0o755 } else { 0o644 };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use bottega_rehearsal::Script;
    use clap::ValueEnum as _;

    use super::*;

    fn guests() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../guests")
    }

    /// Every file below `folder` but what builds leave there.
    fn lying(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let built = ["target", "node_modules", "__pycache__"].contains(&name.as_str())
                    || name.ends_with(".out")
                    || name.ends_with(".wasm");
                if built {
                } else if path.is_dir() {
                    folders.push(path);
                } else {
                    let inside = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    found.insert(inside, fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    fn carried(files: &[File]) -> BTreeMap<String, Vec<u8>> {
        files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
    }

    #[test]
    fn every_file_of_every_template_is_carried() {
        for language in Language::value_variants() {
            let folder = guests().join("templates").join(language.folder());
            assert!(lying(&folder) == carried(language.files()), "{language:?}");
        }
        let mut kit = lying(&guests().join("rust"));
        // Only whoever depends on it locks it.
        kit.remove("Cargo.lock");
        assert!(kit == carried(GUEST_CRATE));
        let folders = fs::read_dir(guests().join("templates")).unwrap().count();
        assert_eq!(folders, Language::value_variants().len());
    }

    #[test]
    fn what_is_made_stands_by_itself() {
        for language in Language::value_variants() {
            let files: BTreeMap<_, _> = files("door-man", *language).into_iter().collect();
            let text = |path: &str| String::from_utf8(files[path].clone()).unwrap();
            let manifest = Manifest::parse(&text("bottega.toml")).unwrap();
            assert_eq!(manifest.name.as_str(), "door-man");
            assert_eq!(manifest.module_file(), "greeter.wasm");
            assert_eq!(manifest.build.command, "./build.sh");
            let scripts = files.keys().filter(|path| path.starts_with("tests/"));
            for script in scripts.clone() {
                Script::parse(&text(script)).unwrap();
            }
            assert_eq!(scripts.count(), 2);
            assert!(
                files.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("../rust"))
            );
        }
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("greeter");
        let made = write("greeter", Language::C, &folder).unwrap();
        assert_eq!(made.files.len(), 8);
        let mode = |path: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o111
        };
        assert!(mode("build.sh") != 0 && mode("agent.c") == 0);
        fs::write(folder.join("agent.c"), "mine").unwrap();
        assert!(write("greeter", Language::Rust, &folder).is_err());
        assert_eq!(fs::read(folder.join("agent.c")).unwrap(), b"mine");
        assert!(!folder.join("Cargo.toml").exists());
    }
}
